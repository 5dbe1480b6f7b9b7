import { isClass, isUnknownOutcome, mayHaveHappened, ProviderError } from "../http/errors";
import { lastSeen, settle } from "../services/waiting";
import type { Change, Known, Operation, Properties, Work } from "./kind";

/** How many times differences are applied: a write may get no answer, and something else may interfere. */
const ROUNDS = 3;
/** How long to look for the effect of a write that got no answer before it is sent again, in milliseconds. */
const LOST_FOR = 5_000;
/** How long to look for all that was written together before what does not show is written again, in milliseconds. */
const TOGETHER_FOR = 30_000;

/**
 * The walk that create, update, adoption and the removal of grants share: apply the differences, look until they are gone, return
 * what is there. After a write without an answer it looks first, and writes only what is still missing.
 *
 * @param previous what was known before: only what it held and `desired` does not is taken away.
 * @param seen what was just observed.
 * @returns what is there once nothing differs.
 * @throws SettleError when a change was accepted and does not show in time.
 */
export async function converge<Inputs extends Properties, Memory, Desired, Observed>(
  reconciler: Pick<
    Work<Inputs, Memory, Desired, Observed>,
    "id" | "observe" | "difference" | "apply" | "isUncertain"
  > & {
    kind: string;
  },
  desired: Desired,
  previous: Known<Inputs, Memory>,
  seen: Observed,
  operation: Operation<Inputs, Memory>,
): Promise<Observed> {
  const id = reconciler.id(seen);
  let observed = seen;
  const differences = (now: Observed) => reconciler.difference(desired, previous, now, operation.known);
  const look = async (): Promise<Observed> => {
    const now = await reconciler.observe(id, desired, operation);
    if (now === undefined) {
      throw new ProviderError({
        action: `changing ${reconciler.kind} ${id}`,
        words: "it disappeared while it was being changed",
        nextStep: "Run `pulumi refresh`, then `pulumi up`.",
      });
    }
    // Keep what no look can see, such as that the object was adopted.
    return { ...observed, ...now };
  };
  for (let round = 1; differences(observed).length > 0; round += 1) {
    let lost: unknown;
    try {
      const learned = await reconciler.apply(differences(observed), desired, observed, operation);
      observed = { ...observed, ...learned };
    } catch (error) {
      // If somebody else changed the row in the meantime, look again, as after a write without an answer.
      if (!(isUnknownOutcome(error) || isClass(error, "precondition")) || round === ROUNDS) {
        throw error;
      }
      lost = error;
    }
    const wait = {
      what: `${reconciler.kind} to show the change`,
      look,
      done: (now: Observed) => differences(now).length === 0,
      describe: (now: Observed) => differences(now).map(spell).join(", "),
    };
    if (lost === undefined && round < ROUNDS && reconciler.isUncertain?.(observed) === true) {
      const atMost = Math.min(TOGETHER_FOR, operation.settleTimeout / 4);
      observed = await lastSeen({ ...wait, atMost }, operation);
    } else if (lost === undefined) {
      observed = await settle(wait, operation);
    } else if (isClass(lost, "precondition")) {
      observed = await look();
    } else {
      operation.progress("an answer was lost; looking whether the change was made");
      observed = await lastSeen({ ...wait, atMost: LOST_FOR }, operation);
    }
  }
  return observed;
}

function spell({ path, from, to }: Change): string {
  const text = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return `${path.join(".")} is ${text(from)} instead of ${text(to)}`;
}

/**
 * Makes a write, and records it when it happened or may have happened.
 *
 * @param write sends it.
 * @param record records it (`Operation.record`).
 */
export async function writeAndRecord<T>(write: () => Promise<T>, record: () => void): Promise<T> {
  try {
    const answer = await write();
    record();
    return answer;
  } catch (error) {
    if (mayHaveHappened(error)) {
      record();
    }
    throw error;
  }
}
