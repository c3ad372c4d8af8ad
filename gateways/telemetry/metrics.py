"""Metrics of a process, served to Prometheus by the SDK's runtime, as those of the SDK itself."""

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

HTTP_SECONDS = "drawdown_http_seconds"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def runtime(address: str | None) -> Runtime | None:
    """Return the runtime that serves metrics at `address`, now the default; None: no port opens.

    To be called before the first client is made. Raises `ValueError` if the address is taken.
    """
    if address is None:
        return None
    prometheus = PrometheusConfig(
        bind_address=address,
        durations_as_seconds=True,
        histogram_bucket_overrides={HTTP_SECONDS: _SECONDS},
    )
    made = Runtime(telemetry=TelemetryConfig(metrics=prometheus))
    Runtime.set_default(made, error_if_already_set=False)  # whose meter is ours as well
    return made
