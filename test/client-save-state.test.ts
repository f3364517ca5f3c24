import { describe, expect, test } from "vitest";
import {
  type FrameCounts,
  nextSaveState,
  SAVE_STATUSES,
  type SaveEvent,
  type SaveState,
  statusOf,
} from "../client/save-state.ts";
import { ScriptoriumError } from "../schema/errors.ts";

const error = new ScriptoriumError("forbidden", "no");
const open = (frames: Partial<FrameCounts>): SaveState => ({
  at: "open",
  frames: {
    sent: 1,
    acknowledged: 1,
    answered: true,
    received: true,
    heldBack: false,
    ...frames,
  },
});

const STATES = {
  connecting: { at: "connecting" },
  offline: { at: "offline" },
  fresh: open({ sent: 0, acknowledged: 0, answered: false, received: false }),
  answered: open({ acknowledged: 0, received: false }),
  received: open({ sent: 0, acknowledged: 0, answered: false }),
  exchanged: open({ acknowledged: 0 }),
  saved: open({}),
  saving: open({ sent: 3 }),
  heldBack: open({ heldBack: true }),
  editRefused: { at: "rejected", what: "edit", error },
  accessDenied: { at: "rejected", what: "access", error },
} as const satisfies Record<string, SaveState>;

const EVENTS = {
  attempting: { type: "attempting" },
  opened: { type: "opened" },
  edited: { type: "edited" },
  "sent update": { type: "sent", frame: "update" },
  "sent step-2": { type: "sent", frame: "step-2" },
  received: { type: "received" },
  acknowledged: { type: "acknowledged" },
  refused: { type: "refused", error },
  denied: { type: "denied", error },
  lost: { type: "lost" },
  retried: { type: "retried" },
} as const satisfies Record<string, SaveEvent>;

// The status after each event, in the order of EVENTS.
const C = "connecting";
const Y = "syncing";
const G = "saving";
const S = "saved";
const O = "offline";
const R = "rejected";
const TABLE: Record<keyof typeof STATES, string[]> = {
  //            attempting opened edited update step-2 received acknowledged refused denied lost retried
  connecting: [C, Y, C, C, C, C, C, C, R, O, C],
  offline: [C, Y, O, O, O, O, O, O, R, O, C],
  fresh: [Y, Y, Y, Y, Y, Y, Y, R, R, O, C],
  answered: [Y, Y, Y, Y, Y, G, Y, R, R, O, C],
  received: [Y, Y, Y, Y, G, Y, Y, R, R, O, C],
  exchanged: [G, Y, G, G, G, G, S, R, R, O, C],
  saved: [S, Y, G, G, G, S, S, R, R, O, C],
  saving: [G, Y, G, G, G, G, G, R, R, O, C],
  heldBack: [G, Y, G, G, G, G, G, R, R, O, C],
  editRefused: [R, R, R, R, R, R, R, R, R, R, C],
  accessDenied: [R, R, R, R, R, R, R, R, R, R, C],
};

describe("save state", () => {
  for (const [from, expected] of Object.entries(TABLE)) {
    test(`every event in ${from}`, () => {
      const state = STATES[from as keyof typeof STATES];
      const reached = Object.values(EVENTS).map((event) => statusOf(nextSaveState(state, event)));
      expect(reached).toEqual(expected);
    });
  }

  test("the table reaches every status", () => {
    expect(new Set(Object.values(TABLE).flat())).toEqual(new Set(SAVE_STATUSES));
  });

  test("counts never outlive their socket", () => {
    const reopened = nextSaveState(STATES.saving, EVENTS.opened);
    expect(reopened).toEqual(STATES.fresh);
  });

  test("an acknowledgement of nothing does not vouch for the next frame", () => {
    const surplus = nextSaveState(STATES.saved, EVENTS.acknowledged);
    const sent = nextSaveState(surplus, EVENTS["sent update"]);
    expect(statusOf(sent)).toBe("saving");
  });

  test("a frame that left takes what was held back with it, a SyncStep2 does not", () => {
    const afterStep2 = nextSaveState(STATES.heldBack, EVENTS["sent step-2"]);
    const afterUpdate = nextSaveState(afterStep2, EVENTS["sent update"]);
    expect([afterStep2, afterUpdate]).toEqual([
      open({ sent: 2, heldBack: true }),
      open({ sent: 3, heldBack: false }),
    ]);
  });

  test("a document closed to us after a refused edit is no longer wanted on the socket", () => {
    expect(nextSaveState(STATES.editRefused, EVENTS.denied)).toEqual(STATES.accessDenied);
  });
});
