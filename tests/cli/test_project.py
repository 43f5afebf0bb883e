"""`batuta project`: what each participant does, for people, programs and teams."""

import pytest
import yaml

SHARED = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: shared
  version: '1.0.0'
  metadata: { participants: { desk: {}, fraud: { external: true } } }
do:
  - check: { call: checkFraud, with: { amount: '${ .amount }' }, metadata: { participant: fraud } }
  - greet: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
"""


@pytest.fixture
def shared(folder):
    folder.joinpath("shared.yaml").write_text(SHARED)


def test_the_rules_of_all_participants_are_yaml(cli, shared):
    said = cli("project", "shared.yaml")

    told = yaml.safe_load(said.out)
    assert said.code == 0
    assert list(told["participants"]) == ["desk", "fraud"]
    assert told["participants"]["desk"]["rules"][0]["perform"] == ["greet"]
    assert "&" not in said.out


def test_one_participant_is_shown_alone_as_json(cli, shared):
    said = cli("project", "shared.yaml", "--participant", "fraud", "--format", "json")

    assert list(said.json["participants"]) == ["fraud"]
    assert "greet" not in said.out


def test_a_picture_is_mermaid(cli, shared):
    said = cli("project", "shared.yaml", "--format", "mermaid")

    assert said.out.startswith("flowchart LR\n")
    assert '-->|"check.completed"|' in said.out


def test_a_contract_is_asyncapi_of_one_participant(cli, shared):
    told = yaml.safe_load(
        cli("project", "shared.yaml", "--participant", "fraud", "--format", "asyncapi").out
    )
    assert told["asyncapi"] == "3.0.0"
    assert list(told["channels"]) == ["check-requested", "check-completed", "check-faulted"]

    said = cli("project", "shared.yaml", "--format", "asyncapi")
    assert said.code == 2
    assert "hint: name it: --participant desk" in said.err


def test_whoever_takes_no_part_is_told_who_does(cli, shared):
    said = cli("project", "shared.yaml", "--participant", "bank")

    assert said.code == 2
    assert "bank does not take part in demo/shared:1.0.0" in said.err
    assert "hint: those that do: desk, fraud" in said.err


def test_what_needs_a_conductor_is_not_projected(cli):
    said = cli("project", "failing.yaml")

    assert said.code == 2
    assert "error[nobody-starts]" in said.err
