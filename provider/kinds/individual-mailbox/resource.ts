import * as pulumi from "@pulumi/pulumi";
import {
  answered,
  isOfType,
  type Outputs,
  type RecordReadOptions,
  type ResourceClass,
  registration,
  registrationToRead,
  typeToken,
  withoutPromiseTraces,
} from "../../resources/dynamic-resource";
import {
  type Credentials,
  MailboxRecordResource,
  recordOutputs,
  sealedCredentials,
  type TestAndEnable,
} from "../mailbox-record/resource";

/** What an {@link IndividualMailbox} is declared with. */
export interface IndividualMailboxArgs {
  /**
   * The Dynamics user whose mailbox record this is, by address, sign-in name, or id of Dynamics or Entra. Exactly one of `user`
   * and `queue`. Another spelling of the same user is no change. Another user replaces.
   */
  user?: pulumi.Input<string | undefined>;
  /** The queue whose mailbox record this is, by id (a `Queue`'s `id`), address or name. Another queue replaces. */
  queue?: pulumi.Input<string | undefined>;
  /**
   * The address, at most 100 characters. It is written to the user or queue, which the record follows: Dynamics refuses it on the
   * record itself (0x8005E208). Changed in place: a new address needs a new approval and a new test.
   */
  emailAddress?: pulumi.Input<string | undefined>;
  /**
   * The e-mail server profile, by name or id. It must be active. `false` declares that there is none: one that somebody sets is
   * drift. Changed in place: it needs a new test.
   */
  serverProfile?: pulumi.Input<string | false | undefined>;
  /**
   * How mail comes in: `None`, `Outlook` (not for a queue), `ServerSideSynchronization`, or `ForwardMailbox` for one whose mail
   * comes through a {@link ForwardingMailbox}. Two resources of a deployment that give one record two methods are an error.
   */
  incomingEmail?: pulumi.Input<"None" | "Outlook" | "ServerSideSynchronization" | "ForwardMailbox" | undefined>;
  /** How mail goes out: `None`, `Outlook` (not for a queue) or `ServerSideSynchronization`. */
  outgoingEmail?: pulumi.Input<"None" | "Outlook" | "ServerSideSynchronization" | undefined>;
  /**
   * How appointments, contacts and tasks are synchronised: `None`, `Outlook` or `ServerSideSynchronization`, the last not with a
   * server profile for POP3 or IMAP (0x8005E247).
   */
  appointmentsContactsTasks?: pulumi.Input<"None" | "Outlook" | "ServerSideSynchronization" | undefined>;
  /** Whether Dynamics deletes a message once it is processed. For queues only (0x8005E233). */
  deleteAfterProcessing?: pulumi.Input<boolean | undefined>;
  /**
   * What server-side synchronisation signs in with. Refused unless the server profile takes the credentials of the mailbox record.
   * The password is kept encrypted and is never read. A password that was there before cannot be put back. `false`, written as a
   * literal, declares that there are none: credentials that somebody sets are drift.
   */
  credentials?: pulumi.Input<Credentials | false | undefined>;
  /**
   * Whether to approve the address. Default true. A command, not a value: tried once for each address, and it stays when the resource is
   * deleted. It is drift when the address changed behind the program, and when somebody took the approval back: the next deployment
   * approves and tests again. Where the caller may not approve, a warning says who must.
   */
  approveEmail?: pulumi.Input<boolean | undefined>;
  /**
   * Whether to run Test & Enable when the resource is created and after a change that needs it, but not while the address is not
   * approved, nor when nothing is synchronised by the server. Default true. A string is a trigger: any change of it runs the test
   * again. `{ require: true }` fails the deployment on a failed test.
   */
  testAndEnable?: pulumi.Input<boolean | string | TestAndEnable | undefined>;
  /** The Dataverse environment the record is in. Default: the configuration's. Another one replaces. */
  environmentUrl?: pulumi.Input<string | undefined>;
}

/**
 * The mailbox record that Dynamics 365 made for a user or a queue. It is edited and never made or deleted: Dynamics does both,
 * with the user or queue. A property that is not declared is left alone. One that is removed from the program, and all of them when
 * the resource is deleted, go back to what they were before, unless somebody changed them meanwhile. Of an imported one nothing is
 * known from before, so nothing goes back. Microsoft prefers these mailboxes over a {@link ForwardingMailbox}.
 *
 * @see https://learn.microsoft.com/power-platform/admin/create-forward-mailboxes-edit-mailboxes
 *
 * @example
 * new IndividualMailbox("ada", {
 *   user: "ada@contoso.com",
 *   incomingEmail: "ServerSideSynchronization",
 *   outgoingEmail: "ServerSideSynchronization",
 *   appointmentsContactsTasks: "ServerSideSynchronization",
 * });
 *
 * @example
 * // The record of a queue: what the queue itself has no column for.
 * const queue = new Queue("support", { name: "Support", emailAddress: support.primarySmtpAddress });
 * new IndividualMailbox("support-record", { queue: queue.id, deleteAfterProcessing: true });
 *
 * @example
 * // Outlook synchronises the calendar, and mail goes through the server. Nobody here may approve addresses.
 * new IndividualMailbox("grace", {
 *   user: "grace@contoso.com",
 *   incomingEmail: "ServerSideSynchronization",
 *   appointmentsContactsTasks: "Outlook",
 *   approveEmail: false,
 * });
 *
 * @permissions reading mailbox records | reading owners, queues, and the users of mailbox records |
 * forward mailboxes and other mailbox records | approving an e-mail address | the e-mail address of a user of Dynamics 365
 *
 * @imported [By hand](../import.md#by-hand) with the id of the record's row in Dynamics.
 */
export class IndividualMailbox extends MailboxRecordResource {
  /** The type token. Policies (`validateResourceOfType`) know the class by it. */
  static readonly __pulumiType: string = typeToken("IndividualMailbox");

  /** Whether an object is an IndividualMailbox, made by this copy of the package or another. */
  static override isInstance(obj: unknown): obj is IndividualMailbox {
    return isOfType(obj, IndividualMailbox.__pulumiType);
  }

  /**
   * Reads the mailbox record of a user or queue that this program does not manage. It is read at each preview and deployment, and
   * never changed.
   *
   * @param name logical name in the stack.
   * @param idOrOwner the id of the Dataverse `mailbox` row, or the user by address, sign-in name or id of Dynamics or Entra, or the
   *   queue, by id, address or name. `id` is the row's id, whatever was asked for.
   * @param options Pulumi's resource options, and the Dataverse environment.
   * @returns the record. Where there is none, several or a forward mailbox, the deployment fails and says what is there.
   *
   * @example
   * export const approval = IndividualMailbox.get("ada", "ada@contoso.com").emailApproval;
   */
  static get(name: string, idOrOwner: pulumi.Input<string>, options?: RecordReadOptions): IndividualMailbox {
    return answered(
      Reflect.construct(
        pulumi.CustomResource,
        registrationToRead(resource, name, idOrOwner, options),
        IndividualMailbox,
      ),
    );
  }

  /** The declared user in canonical form. */
  declare readonly user: pulumi.Output<string | undefined>;
  /** The declared queue in canonical form. */
  declare readonly queue: pulumi.Output<string | undefined>;
  /** The declared address in canonical form: lower case. */
  declare readonly emailAddress: pulumi.Output<string | undefined>;
  /** The declared server profile. */
  declare readonly serverProfile: pulumi.Output<string | false | undefined>;
  /** The declared method. */
  declare readonly incomingEmail: pulumi.Output<
    "None" | "Outlook" | "ServerSideSynchronization" | "ForwardMailbox" | undefined
  >;
  /** The declared method. */
  declare readonly outgoingEmail: pulumi.Output<"None" | "Outlook" | "ServerSideSynchronization" | undefined>;
  /** The declared method. */
  declare readonly appointmentsContactsTasks: pulumi.Output<
    "None" | "Outlook" | "ServerSideSynchronization" | undefined
  >;
  /** The declared value. */
  declare readonly deleteAfterProcessing: pulumi.Output<boolean | undefined>;
  /** The declared credentials, as a secret. */
  declare readonly credentials: pulumi.Output<pulumi.UnwrappedObject<Credentials> | false | undefined>;
  /** The ways to write the user or queue that are known to mean it. */
  declare readonly knownAs: pulumi.Output<string[]>;

  /**
   * Declares the mailbox record of a user or queue. Its `id` is the id of the Dataverse `mailbox` row.
   *
   * @param name logical name in the stack.
   * @param args what the record should be.
   * @param options Pulumi's resource options.
   */
  constructor(name: string, args: IndividualMailboxArgs, options?: pulumi.CustomResourceOptions) {
    const traceAgain = withoutPromiseTraces();
    try {
      super(...registration(resource, name, { ...args, credentials: sealedCredentials(args.credentials) }, options));
    } finally {
      traceAgain();
    }
  }
}

const resource: ResourceClass = {
  kind: "IndividualMailbox",
  askedBy: "id, or its user or queue",
  takenOver: "Declare it without the option: Dynamics made the record, and the first `pulumi up` takes it over.",
  outputs: {
    user: true,
    queue: true,
    emailAddress: true,
    serverProfile: true,
    incomingEmail: true,
    outgoingEmail: true,
    appointmentsContactsTasks: true,
    deleteAfterProcessing: true,
    credentials: true,
    knownAs: true,
    ...recordOutputs,
  } satisfies Outputs<IndividualMailbox>,
};
