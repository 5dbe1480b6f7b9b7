import type { Ground } from "./ground";

/** What a probe found out. */
export interface Verdict {
  is: "confirmed" | "contradicted" | "notTried";
  /** What was seen, or why it was not tried. Names nobody. */
  said: string;
}

/** What a probe cannot do without. */
export type Need =
  /** Disposable mailboxes and rows: `--domain` and `--prefix`. */
  | "disposable"
  /** A Dataverse environment. */
  | "dataverse"
  /** A certificate of the application, with which it signs in. */
  | "certificate"
  /** A token of the application's federated credential. */
  | "federatedToken";

/** One question about a service that nobody has answered in public. */
export interface Probe {
  /** The row of the local tenant's tables of provenance that it tries. */
  row: string;
  /** What the provider and its local tenant take for true. */
  assumption: string;
  needs: readonly Need[];
  ask: (ground: Ground) => Promise<Verdict>;
}

/** What was seen, and whether it is what was assumed. */
export function seen(isAsAssumed: boolean, said: string): Verdict {
  return { is: isAsAssumed ? "confirmed" : "contradicted", said };
}

/** It could not be tried, and why. */
export function notTried(said: string): Verdict {
  return { is: "notTried", said };
}

/** Something that a probe needs could not be had: says nothing about what it tries. */
export class Unprepared extends Error {
  override readonly name = "Unprepared";
}
