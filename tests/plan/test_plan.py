"""The plan is held against the points that were measured, and the simulation against what is known of queues."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from webchat.cli import main
from webchat.plan.coefficients import measured
from webchat.plan.command import rows
from webchat.plan.queue import simulate
from webchat.plan.sizes import Assumptions, plan, sqlite_stations
from webchat.settings import PROJECT


def test_the_simulated_median_is_near_the_measured_one() -> None:
    """500 messages a second over two workers, whose loops both send and receive: each has half of the sends and half
    of the receipts, so both stations are as busy as those loops were. One writes at a time. The clients, who shared
    the machine, are not simulated."""
    found = simulate(measured("paced_rate"), sqlite_stations())
    assert measured("paced_p50") / 2 < found.p50 < measured("paced_p50") * 1.25


@pytest.mark.parametrize("busy", [0.3, 0.7])
def test_one_station_waits_as_queueing_theory_says(busy: float) -> None:
    """M/M/1: the time in the system is exponential with mean service / (1 - busy)."""
    found = simulate(busy / 0.001, [0.001])
    mean = 1.0 / (1 - busy)
    assert found.p50 == pytest.approx(0.693 * mean, rel=0.1)
    assert found.p99 == pytest.approx(4.605 * mean, rel=0.15)


def test_more_work_than_time_is_no_queue() -> None:
    with pytest.raises(ValueError, match="more work than time"):
        simulate(1001, [0.001])


def test_what_everything_grows_with() -> None:
    one, ten = plan(Assumptions(users=1_000_000)), plan(Assumptions(users=10_000_000))
    assert ten.node_cores == pytest.approx(10 * one.node_cores)
    assert ten.shards > one.shards
    assert ten.latency == one.latency  # the same use of each core
    assert plan(Assumptions(users=1_000_000, rate=0)).workers >= 125  # none may hold more than 8,000 polls


def test_memory_is_what_was_measured() -> None:
    assert plan(Assumptions(users=20_000)).memory * 2**20 / 20_000 == pytest.approx(measured("poll_memory"))


def test_the_measured_deployment_is_planned_as_it_was() -> None:
    """4 nodes on PostgreSQL, 1,000 people, 150 messages a second: 0.25 cores of workers, 0.16 of PostgreSQL."""
    found = plan(Assumptions(users=1_000, rate=150 * 3.6))
    assert found.messages == pytest.approx(150)
    assert found.node_cores == pytest.approx(0.2502, rel=0.05)  # what its polls cost is in there twice
    assert found.database_cores == pytest.approx(0.1632, rel=0.01)


def test_the_document_has_what_the_command_says() -> None:
    text = (PROJECT / "docs" / "scale.md").read_text()
    assumed = [Assumptions(users=10**power) for power in (4, 5, 6, 7)]
    columns = [rows(each, plan(each)) for each in assumed]
    for names in zip(*columns, strict=True):
        assert f"| {names[0][0]} | {' | '.join(value for _, value in names)} |" in text


def test_there_is_no_cost_without_a_price() -> None:
    assert plan(Assumptions(users=1_000)).cost is None
    assert plan(Assumptions(users=1_000, host_price=7.0)).cost == 7.0 * 3


def test_the_command_speaks_to_people_and_programs() -> None:
    said = CliRunner().invoke(main, ["plan", "--users", "10000000", "--json"])
    assert said.exit_code == 0
    found = json.loads(said.stdout)
    assert found["assumed"]["users"] == 10_000_000
    assert found["plan"]["messages"] == pytest.approx(27_778, rel=0.001)
    assert all(each["source"] for each in found["measured"].values())
    assert "PostgreSQL shards" in CliRunner().invoke(main, ["plan", "--users", "1000"]).stdout
    assert CliRunner().invoke(main, ["plan", "--users", "0"]).exit_code == 2
