"""A one-page PDF that stands where Stripe's invoice PDF would be."""

from local.stripe_standin.objects.amounts import money
from local.stripe_standin.store import Json


def placeholder(invoice: Json) -> bytes:
    """Make a valid PDF with the invoice's number, lines and total."""
    currency = invoice["currency"]
    lines = ["STAND-IN, not Stripe: this invoice is not a document", f"Invoice {invoice['number']}"]
    lines += [
        f"{line['description'] or ''}   {money(line['amount'], currency)}"
        for line in invoice["lines"]["data"]
    ]
    lines.append(f"Total {money(invoice['total'], currency)}   {invoice['status']}")
    shown = "".join(f"({_escape(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 12 Tf 20 TL 60 760 Td\n{shown}ET".encode("latin-1", "replace")
    return _file(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _file(*bodies: bytes) -> bytes:
    content = b"%PDF-1.4\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(bodies, start=1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = len(bodies) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return content + b"xref\n0 %d\n%b" % (size, table) + trailer % (size, len(content))
