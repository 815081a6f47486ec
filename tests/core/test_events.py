from __future__ import annotations

from matrixbuild.core.events import MOVES, State


def test_every_state_has_its_moves_and_can_be_reached() -> None:
    assert set(MOVES) == set(State)
    assert set().union(*MOVES.values()) == set(State) - {State.WAITING}


def test_final_states_are_those_without_a_move() -> None:
    assert {state for state in State if state.final} == {State.BUILT, State.FAILED, State.SKIPPED, State.CANCELLED}


def test_every_state_leads_to_an_end() -> None:
    for state in State:
        seen, ahead = {state}, [state]
        for here in ahead:
            ahead += MOVES[here] - seen
            seen |= MOVES[here]
        assert any(reached.final for reached in seen)
