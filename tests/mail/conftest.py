import pytest

from local.mail_catcher.process import MailCatcher


@pytest.fixture(scope="session")
def _running_catcher(tmp_path_factory):
    catcher = MailCatcher.start(tmp_path_factory.mktemp("mails"))
    yield catcher
    catcher.stop()


@pytest.fixture
def catcher(_running_catcher):
    _running_catcher.clear()
    return _running_catcher
