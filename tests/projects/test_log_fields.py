"""Fields that an owner adds to every log line."""

from tests.support.delivery import PROJECTS
from tests.support.history import substitute
from tests.support.projects import Workshop

OWN_FIELDS = """
def add_own_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.update(region="north", tenant="acme")
    return event


OWN_PROCESSORS: tuple[Processor, ...] = (add_own_fields,)"""


def test_custom_log_fields_break_no_test(workshop: Workshop) -> None:
    project = workshop.make(PROJECTS["on"])
    none = r"^OWN_PROCESSORS: tuple\[Processor, ...\] = \(\)$"
    substitute(project / "src/my_app/logs.py", none, OWN_FIELDS)
    tests = sorted((project / "tests").rglob("test_*.py"))
    reading = [test for test in tests if "readouterr" in test.read_text()]

    assert len(reading) > 5
    workshop.test(project, "-m", "not e2e", *(str(test) for test in reading))
