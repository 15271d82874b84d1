"""A machine boots as its instance: cloud-init finds EC2, and runs the user data once."""


def test_user_data_run_once(one):
    assert one.run(["cloud-init", "status", "--wait"]).stdout.strip() == "status: done"
    assert len(one.read("/var/log/first-boot").splitlines()) == 1
