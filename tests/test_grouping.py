"""A module that names a group is handed out as a whole: what it shares is made once."""

from tests.grouping import ROOT, group_of

TOGETHER = ("tests/test_installed.py", "tests/test_secrecy.py", "tests/local/test_exports.py")


def test_each_test_of_a_module_with_a_group_is_handed_out_with_it():
    groups = [group_of(module) for module in TOGETHER]

    assert groups == ["installed", "secrecy", "exports"]
    assert group_of("clients/python/tests/test_wheel.py") == "installed"


def test_a_module_without_a_group_is_handed_out_test_by_test():
    assert group_of("tests/test_grouping.py") == ""
    assert all((ROOT / module).is_file() for module in TOGETHER)
