import type { Contrary } from "./contrary";
import { type Reader, Store } from "./store";

/** Settings of a tenant that tests and users change through the control interface; all start at these defaults. */
export interface Settings {
  /** Milliseconds until a service sees what was committed. `exchange` lags its own writes too, as the real one does. */
  lag: Record<Reader, number>;
  /** Whether a mailbox made by New-Mailbox may sign in at first: false is what is seen since 2025, true is the harsher case. */
  newSharedAccountEnabled: boolean;
  /** Which mailboxes made by New-Mailbox get an `SPO:` address: some (decided by the alias), all or none. */
  newMailboxSpoAddress: "some" | "always" | "never";
  /** Whether the Name given to New-Mailbox later reads back as the Entra object id. */
  nameBecomesObjectId: boolean;
  /** Whether addresses of soft-deleted mailboxes and deleted users stay taken. */
  holdAddresses: boolean;
  /** Milliseconds for which an address taken off one object is refused on another. */
  addressRelease: number;
  /** Whether the licences of a deleted user stay in use for the 30 days in which it can be restored, or are free at once. */
  deletedUsersHoldLicenses: boolean;
  /** Graph refuses applications that write inbox rules (reports differ): 403 ErrorAccessDenied. */
  refuseRules: boolean;
  /** What approving an e-mail address does: it works, it is refused with 0x8009000B, or it silently does nothing. */
  approval: "authorised" | "refused" | "silent";
  /** Whether changing a Dataverse mailbox's address drops its approval to Pending. */
  addressChangeDropsApproval: boolean;
  /**
   * Whether the address of a user's or queue's Dataverse mailbox can be changed on the mailbox row: true carries it over to the
   * user or queue, as tools in use expect; false refuses with 0x8005E208, as an error code of the service says.
   */
  individualAddressEditable: boolean;
  /** Whether Dataverse lets users be deleted, as an environment may for disabled ones; otherwise every attempt is a 405. */
  deleteDisabledUsers: boolean;
  /** Whether Dataverse deletes a mailbox row only once it is inactive (unverified): an active one is a 405. */
  deleteNeedsInactive: boolean;
  /** Whether Dataverse refuses requests without the two OData version headers, which the real one asks for but can do without. */
  strictHeaders: boolean;
  /** Whether read-only columns in a Dataverse body are refused, which no service does, or ignored: an aid for tests of clients. */
  strictBodies: boolean;
  /** Whether Dataverse refuses changes of a mailbox whose Test & Enable still runs with 0x8005E248 (when it does is not documented). */
  refuseWhileTesting: boolean;
  /** Dataverse's service protection limits, for each user; the defaults are Microsoft's documented ones. */
  serviceProtection: {
    /** Requests within the window; one more is a 429 with 0x80072322. */
    requests: number;
    /** Milliseconds that requests may take together within the window; beyond, a 429 with 0x80072321. */
    executionTime: number;
    /** Requests in flight; one more is a 429 with 0x80072326. */
    concurrency: number;
    /** Length of the sliding window in milliseconds of tenant time. */
    window: number;
    /** Milliseconds a request takes at least: what makes two of them be in flight at once, and what execution time is made of. */
    latency: number;
  };
  /** Milliseconds a Test & Enable job takes, and how it ends by address ("never" = the job never finishes). */
  test: { duration: number; outcomes: Record<string, "success" | "failure" | "never"> };
  /** Where Dataverse leaves the reason of a failed Test & Enable: in an alert, or in `lastsyncerror` of the mailbox row. */
  testReason: "alerts" | "row";
  /** Whether the private queue of a new user has the user's address; otherwise it has none. */
  privateQueueAddresses: boolean;
  /** Milliseconds until Dataverse makes the mailbox row of a new queue or user. */
  mailboxRowDelay: number;
  /** Graph's Outlook limit: requests of an application in flight in one mailbox. */
  outlookConcurrency: number;
  /** Milliseconds a request to Graph's mailbox store takes at least: what makes two of them be in flight at once. */
  outlookLatency: number;
  /**
   * Whether the cmdlets of a `$batch` run at the same time: of several that change the permissions of one mailbox, each begins with the
   * list as it was, and the last one wins.
   */
  batchesRunInParallel: boolean;
  /** Milliseconds that a cmdlet of Exchange takes; those of a `$batch` take it one after the other. */
  cmdletLatency: number;
  /** What Exchange's Get- cmdlets answer to an identity that does not exist: not found, or (documented too) all objects. */
  missingIdentity: "error" | "everything";
  /** Whether Exchange's `ResultSize` cuts an answer, with a warning and no nextLink; false = it is the size of a page. */
  resultSizeCuts: boolean;
  /** Whether the organisation takes part in the preview of Exchange's v2.0 endpoints; false = they are a 404. */
  v2Preview: boolean;
  /**
   * Whether Exchange refuses a write about one mailbox with "Cmdlet needs proxy" unless `X-AnchorMailbox` leads to that mailbox
   * (`UPN:` or `SMTP:` and a name or address of it).
   */
  strictRouting: boolean;
  /** Milliseconds Exchange says to have held back each request ("Micro delay applied", a warning); 0 = says nothing. */
  microDelay: number;
  /** It says so only while more requests than this are in flight. */
  microDelayBeyond: number;
  /** Requests to Exchange in flight; one more is a 429 in plain text. 0 = any number: no limit is published. */
  exchangeConcurrency: number;
  /** Milliseconds that such a 429 asks to be left alone for (`Retry-After`, in seconds); 0 = it does not say. */
  exchangeRetryAfter: number;
  /** Milliseconds after which an Exchange nextLink is expired; 0 = at once. */
  nextLinkLifetime: number;
  /** Seconds a token is valid. */
  tokenLifetime: number;
  /**
   * Ids of behaviours the tenant shows the other way round (`provider/local-tenant/contrary.ts`): for proving that a client, or a
   * probe, notices a service that is not as assumed.
   */
  contrary: Contrary[];
}

export function defaultSettings(): Settings {
  return {
    lag: { exchange: 0, graph: 0, dataverse: 0 },
    newSharedAccountEnabled: false,
    newMailboxSpoAddress: "some",
    nameBecomesObjectId: true,
    holdAddresses: false,
    addressRelease: 0,
    deletedUsersHoldLicenses: true,
    refuseRules: false,
    approval: "authorised",
    addressChangeDropsApproval: true,
    individualAddressEditable: true,
    deleteDisabledUsers: false,
    deleteNeedsInactive: false,
    strictHeaders: false,
    strictBodies: false,
    refuseWhileTesting: false,
    serviceProtection: { requests: 6000, executionTime: 1_200_000, concurrency: 52, window: 300_000, latency: 0 },
    test: { duration: 50, outcomes: {} },
    testReason: "alerts",
    privateQueueAddresses: false,
    mailboxRowDelay: 0,
    outlookConcurrency: 4,
    outlookLatency: 5,
    batchesRunInParallel: false,
    cmdletLatency: 0,
    missingIdentity: "error",
    resultSizeCuts: false,
    v2Preview: true,
    strictRouting: false,
    microDelay: 0,
    microDelayBeyond: 0,
    exchangeConcurrency: 0,
    exchangeRetryAfter: 0,
    nextLinkLifetime: 30 * 60 * 1000,
    tokenLifetime: 3600,
    contrary: [],
  };
}

/** Where settings and clock are kept, so that a restart of the same journal finds them. */
export const settingsTable = "settings";

/** Settings to change: those left out stay as they are, also inside `lag`, `serviceProtection` and `test`. */
export type SettingsChange = Partial<Omit<Settings, "lag" | "serviceProtection" | "test">> & {
  lag?: Partial<Settings["lag"]>;
  serviceProtection?: Partial<Settings["serviceProtection"]>;
  test?: Partial<Settings["test"]>;
};

/** What every service of one tenant shares: its memory, its clock and its settings. */
export class Tenant {
  readonly store: Store;
  settings: Settings = defaultSettings();
  /** Milliseconds the tenant's clock is ahead of the machine's. */
  clockOffset = 0;
  /** Addresses the tenant is served at; a token for its Dataverse environment may be asked for any of them. */
  origins: string[] = [];

  /** `journal`: path of the journal file, made when it does not exist; without one everything is in memory. */
  constructor(journal?: string) {
    this.store = new Store(
      journal,
      () => this.now(),
      (reader) => this.settings.lag[reader],
    );
    this.settings = merged(defaultSettings(), this.store.get<SettingsChange>(settingsTable, "settings") ?? {});
    this.clockOffset = this.store.get<{ offset: number }>(settingsTable, "clock")?.offset ?? 0;
  }

  /** The tenant's time in milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** The tenant's time as ISO 8601. */
  timestamp(): string {
    return new Date(this.now()).toISOString();
  }

  /** Whether the setting `contrary` names this behaviour. */
  isContrary(id: Contrary): boolean {
    return this.settings.contrary.includes(id);
  }

  /** Changes settings and remembers them in the journal. */
  configure(change: SettingsChange): void {
    this.settings = merged(this.settings, change);
    this.store.put(settingsTable, "settings", this.settings);
  }

  /** Moves the clock forward by milliseconds and remembers it in the journal. */
  advance(milliseconds: number): void {
    this.clockOffset += milliseconds;
    this.store.put(settingsTable, "clock", { offset: this.clockOffset });
  }

  /** Forgets every row and puts settings and clock back to their defaults. */
  clear(): void {
    this.store.clear();
    this.settings = defaultSettings();
    this.clockOffset = 0;
  }
}

function merged(settings: Settings, change: SettingsChange): Settings {
  return {
    ...settings,
    ...change,
    lag: { ...settings.lag, ...change.lag },
    serviceProtection: { ...settings.serviceProtection, ...change.serviceProtection },
    test: { ...settings.test, ...change.test },
  };
}
