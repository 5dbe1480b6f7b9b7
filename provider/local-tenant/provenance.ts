/** How a simulated behaviour is known. */
export type Mark =
  /** Microsoft documents it. */
  | "documented"
  /** Somebody recorded it against the real service. */
  | "observed"
  /** Nobody wrote it down; the tenant does the most plausible or the harsher thing. */
  | "assumed";

/** One simulated behaviour and where it is known from. Every folder of the local tenant exports a table of these. */
export interface Provenance {
  /**
   * The row's lasting name: the service and what it is about, as `exchange.unauthorized-body`. A probe on a real tenant
   * refers to it, so it stays when the sentence changes.
   */
  id: string;
  /** What the tenant does, in one sentence. */
  behaviour: string;
  mark: Mark;
  /** Page, repository or reasoning behind it. */
  source: string;
  /**
   * What the tenant does instead while the setting `contrary` names this row: what a probe has to notice on a tenant that
   * does not behave as assumed. Absent = cannot be turned round so.
   */
  contrary?: string;
}
