"""What the restore's entry says agrees with the backup's."""

import yaml

from tests.conftest import ROOT


def read(name):
    return yaml.safe_load((ROOT / f"catalogue/tools/{name}.yaml").read_text())


def test_a_drill_fails_on_a_backup_that_is_old_enough_for_the_age_check_to_warn():
    [age] = [check for check in read("backup")["checks"] if check["name"] == "age"]
    limits = {facts["limit_hours"] for facts in read("restore")["releases"].values()}
    assert limits == {age["args"]["warn_s"] / 3600}
