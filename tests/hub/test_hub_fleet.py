"""Rounds of managed-fleet: what is put in place, what is refused, and what is told to whom."""

import json

import pytest

from hub import state as kept
from hub.fleet import PATIENCE, Round, show_own, work
from hub.keeper import Keeper
from hub.store import StoreError
from tests.hub.support import Bucket, certificate, fragment, parts, program

NOW = 1_800_000_000


class Hub:
    """A hub's folder, with programs that note when they are run."""

    def __init__(self, folder):
        self.folder, self.bucket, self.state = folder, Bucket(), kept.State()
        self.root = folder / "hub"
        self.calls = folder / "calls"
        self.calls.touch()
        self.forbidden = folder / "forbidden"
        self.verify = program(
            folder / "verify",
            f'echo verify >>"{self.calls}"\n[ -e "{self.forbidden}" ] || exit 0\n'
            f'grep -rqf "{self.forbidden}" "$1" || exit 0\n'
            'echo "Reading"; echo "Error: bad word in it"; exit 1',
        )
        self.changed = program(
            folder / "changed", f'echo changed >>"{self.calls}"\n[ ! -e "{folder}/stuck" ]'
        )

    def round(self, now=NOW, *, forget=False):
        place = self.folder / "state.json"
        state = kept.load(place)
        keeper = Keeper(self.root, parts((*self.verify, "{tree}"), self.changed))
        result = work(self.bucket, keeper, state, now)
        if not forget:
            kept.save(place, state)
        self.state = state
        return result

    def took(self):
        """What was run since the last time somebody asked."""
        found = self.calls.read_text().split()
        self.calls.write_text("")
        return found

    def hosts(self):
        return sorted(path.stem for path in (self.root / "current/nagios/hosts").glob("*"))

    def file(self, name):
        return (self.root / "current" / name).read_text()


@pytest.fixture
def hub(tmp_path):
    made = Hub(tmp_path)
    made.bucket.join()
    made.bucket.join("acme", "db", ipv4="198.51.100.65")
    assert made.round().line() == "ok 2 servers watched"
    made.took()
    return made


def test_everything_of_a_server_is_in_place(hub):
    assert hub.hosts() == ["acme-db", "example-web1"]
    assert "address             198.51.100.65\n" in hub.file("nagios/hosts/acme-db.cfg")
    assert hub.file("munin/acme-db.conf").endswith(
        "[acme;acme-db]\n    address 198.51.100.65\n    use_node_name yes\n"
    )
    assert (hub.root / "machines/acme-db.pem").read_text() == certificate("acme-db")
    assert "contactgroup_name   customer-acme\n" in hub.file("nagios/customers.cfg")


def test_nothing_new_disturbs_nobody_and_is_not_read_again(hub):
    hub.bucket.read.clear()
    link = (hub.root / "current").readlink()
    assert hub.round().line() == "ok 2 servers watched"
    assert hub.took() == []
    assert hub.bucket.read == []
    assert (hub.root / "current").readlink() == link


def test_a_change_is_checked_and_told_once(hub):
    hub.bucket.publish(ipv4="198.51.100.70")
    assert hub.round().line() == "ok 2 servers watched"
    assert hub.took() == ["verify", "changed"]
    assert "198.51.100.70" in hub.file("nagios/hosts/example-web1.cfg")
    assert len([path for path in hub.root.iterdir() if path.name.startswith("files-")]) == 1


def test_a_new_certificate_alone_restarts_nothing(hub):
    hub.bucket.show(text=certificate("made anew"))
    hub.round()
    assert hub.took() == []
    assert (hub.root / "machines/example-web1.pem").read_text() == certificate("made anew")


def test_who_leaves_is_gone(hub):
    hub.bucket.leave("acme", "db")
    assert hub.round().line() == "ok 1 servers watched"
    assert hub.hosts() == ["example-web1"]
    assert [path.name for path in (hub.root / "machines").iterdir()] == ["example-web1.pem"]
    assert "customer-acme" not in hub.file("nagios/customers.cfg")
    assert list((hub.root / "current/munin").iterdir()) == [hub.root / "current/munin/example-web1.conf"]


def test_a_bucket_that_cant_be_read_empties_nothing(hub):
    hub.bucket.broken = True
    result = hub.round()
    assert result.line() == (
        "critical can't list the fleet bucket: access denied; 2 servers stay as they were"
    )
    assert hub.hosts() == ["acme-db", "example-web1"]
    hub.bucket.broken = False
    assert hub.round().line() == "ok 2 servers watched"


def test_an_empty_bucket_is_an_empty_fleet(hub):
    hub.bucket.objects.clear()
    assert hub.round().line() == "ok 0 servers watched"
    assert hub.hosts() == []


def test_a_bucket_that_breaks_halfway_changes_nothing(hub):
    hub.bucket.publish(ipv4="198.51.100.70")
    hub.bucket.leave("acme", "db")
    get = hub.bucket.get

    def broken(key, known=""):
        if key.startswith("machines/"):
            raise StoreError("can't read the fleet bucket: timed out")
        return get(key, known)

    hub.bucket.get = broken
    assert hub.round().line().startswith("critical can't read the fleet bucket")
    assert hub.hosts() == ["acme-db", "example-web1"]
    assert "198.51.100.64" in hub.file("nagios/hosts/example-web1.cfg")
    hub.bucket.get = get
    assert hub.round().line() == "ok 1 servers watched"
    assert "198.51.100.70" in hub.file("nagios/hosts/example-web1.cfg")


def test_what_nagios_refuses_stays_out_and_the_others_go_on(hub):
    """Its own last good one stays, a new one is left out, a good change of another is taken."""
    hub.forbidden.write_text("check_bad_word\n")
    hub.bucket.publish(ipv4="198.51.100.70", checks=[bad_check()])
    hub.bucket.join("newone", "web1", checks=[bad_check()])
    hub.bucket.publish("acme", "db", ipv4="198.51.100.71")
    result = hub.round()
    assert result.refused == {
        "example/web1": "Error: bad word in it",
        "newone/web1": "Error: bad word in it",
    }
    assert result.line().startswith("critical example/web1 Error: bad word in it; newone/web1 ")
    assert hub.hosts() == ["acme-db", "example-web1"]
    assert "198.51.100.64" in hub.file("nagios/hosts/example-web1.cfg")
    assert "198.51.100.71" in hub.file("nagios/hosts/acme-db.cfg")
    assert hub.took()[-1] == "changed"
    assert hub.round().refused == result.refused, "it is said again until somebody has put it right"
    assert "changed" not in hub.took()
    hub.bucket.publish(ipv4="198.51.100.70")
    hub.bucket.publish("newone", "web1", ipv4="198.51.100.72")
    assert hub.round().line() == "ok 3 servers watched"


def bad_check():
    return {**fragment()["checks"][0], "nrpe_command": "check_bad_word"}


def test_a_hub_that_is_wrong_itself_blames_nobody(hub):
    """Its own configuration is broken: every fragment would be refused, good ones as well."""
    hub.forbidden.write_text("managed-nrpe\n")
    hub.bucket.publish(ipv4="198.51.100.70")
    assert hub.round().line() == "critical Error: bad word in it; 2 servers stay as they were"
    assert "198.51.100.64" in hub.file("nagios/hosts/example-web1.cfg")
    assert len([path for path in hub.root.iterdir() if path.name.startswith("files-")]) == 1
    hub.forbidden.unlink()
    assert hub.round().line() == "ok 2 servers watched"
    assert "198.51.100.70" in hub.file("nagios/hosts/example-web1.cfg")


def test_who_couldnt_be_told_is_told_again(hub):
    (hub.folder / "stuck").touch()
    hub.bucket.leave("acme", "db")
    assert hub.round().line() == "critical nagios: couldn't be told of a change; 1 servers stay as they were"
    (hub.folder / "stuck").unlink()
    hub.took()
    assert hub.round().line() == "ok 1 servers watched"
    assert hub.took() == ["changed"]


def test_a_round_that_was_cut_off_loses_nothing(hub):
    """Everything was put in place, and the hub died before it told anybody, or wrote down that it had."""
    hub.bucket.leave("acme", "db")
    (hub.folder / "stuck").touch()
    hub.round(forget=True)
    (hub.folder / "stuck").unlink()
    hub.took()
    assert hub.round().line() == "ok 1 servers watched"
    assert hub.took() == ["changed"]


def test_a_state_of_another_schema_is_judged_anew(hub):
    place = hub.folder / "state.json"
    data = json.loads(place.read_text())
    del data["members"]["acme-db"]["fragment"]["checks"]
    place.write_text(json.dumps(data))
    assert hub.round().line() == "ok 2 servers watched"
    assert hub.hosts() == ["acme-db", "example-web1"]


def test_somebody_is_told_of_one_that_waits_for_too_long(hub):
    hub.bucket.publish("newone", "web1")
    assert hub.round(NOW).line() == "ok 2 servers watched"
    assert hub.round(NOW + PATIENCE).line() == "ok 2 servers watched"
    late = hub.round(NOW + PATIENCE + 1).line()
    assert late == "warning newone/web1 has not shown its certificate; 2 servers watched"
    hub.bucket.show("newone", "web1")
    assert hub.round(NOW + PATIENCE + 2).line() == "ok 3 servers watched"


def test_the_line_names_a_few_and_counts_the_rest():
    line = Round(9, refused={f"a/s{number}": "is bad" for number in range(5)}).line()
    assert line == "critical a/s0 is bad; a/s1 is bad; a/s2 is bad; and 2 more; 9 servers watched"


def test_before_the_first_round_there_is_something_to_read(tmp_path):
    keeper = Keeper(tmp_path / "hub", parts())
    keeper.start()
    assert sorted(path.name for path in (tmp_path / "hub/current").iterdir()) == ["munin", "nagios"]
    assert (tmp_path / "hub/current/nagios/customers.cfg").is_file()


def test_a_hub_that_was_made_anew_waits_until_it_is_let_in(hub):
    """Its servers still let in the certificate that it had: all would be unknown, and paged for."""
    hub.state = kept.State(let_in_from=NOW + 60)
    kept.save(hub.folder / "state.json", hub.state)
    waits = "warning itself 60 s until the machines have taken the hub's new certificate; 0 servers watched"
    assert hub.round(NOW).line() == waits
    assert hub.round(NOW + 60).line() == "ok 2 servers watched"


def test_a_hub_that_watches_goes_on_when_its_certificate_changes(hub):
    state = kept.load(hub.folder / "state.json")
    state.let_in_from = NOW + 60
    kept.save(hub.folder / "state.json", state)
    hub.bucket.publish(ipv4="198.51.100.70")
    assert hub.round(NOW).line() == "ok 2 servers watched"
    assert "198.51.100.70" in hub.file("nagios/hosts/example-web1.cfg")


def test_the_hubs_own_certificate_is_shown_where_it_isnt(tmp_path):
    bucket, own = Bucket(), tmp_path / "hub.pem"
    own.write_text(certificate("hub"))
    for _ in range(2):
        assert show_own(bucket, own) is False, "the first one: nobody has another"
        assert bucket.objects == {"hub/nrpe.pem": certificate("hub").encode()}
        bucket.objects.clear()  # the bucket was made anew
    show_own(bucket, own)
    own.write_text(certificate("hub made anew"))
    assert show_own(bucket, own) is True
    assert bucket.objects == {"hub/nrpe.pem": certificate("hub made anew").encode()}
    bucket.put = None  # it isn't written again
    assert show_own(bucket, own) is False
