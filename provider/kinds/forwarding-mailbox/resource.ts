import * as pulumi from "@pulumi/pulumi";
import {
  answered,
  isOfType,
  keyedInput,
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
  type Owner,
  recordOutputs,
  sealedCredentials,
  type TestAndEnable,
} from "../mailbox-record/resource";

/** What a {@link ForwardingMailbox} is declared with. */
export interface ForwardingMailboxArgs {
  /** Name of the mailbox record, 1 to 200 characters. Changed in place. */
  name: pulumi.Input<string>;
  /**
   * Address of the real, dedicated mailbox that collects the mail, at most 100 characters. A hidden `SharedMailbox` is best. It
   * must exist in the tenant. Changed in place: a new address needs a new approval and a new test.
   */
  emailAddress: pulumi.Input<string>;
  /**
   * Who owns the record: a user or a team of the Dynamics environment. Default when created: the application that deploys.
   * Undeclared, it is left alone afterwards. Removed from the program, it goes back to the application. Changed in place.
   */
  owner?: pulumi.Input<Owner | undefined>;
  /**
   * The e-mail server profile, by name or id. It must be active. Default when created: `Microsoft Exchange Online`, else the
   * organisation's default profile. Undeclared, it is left alone afterwards. `false` declares that there is none: one that somebody
   * sets is drift. Changed in place: it needs a new test.
   */
  serverProfile?: pulumi.Input<string | false | undefined>;
  /** Whether Dynamics deletes a message from the collecting mailbox once it is processed. Default false: the mailbox fills. */
  deleteAfterProcessing?: pulumi.Input<boolean | undefined>;
  /**
   * What server-side synchronisation signs in to the collecting mailbox with. Refused unless the server profile takes the
   * credentials of the mailbox record ("specified by a user or queue"). The profile for Exchange Online does not. The password is
   * kept encrypted and is never read. To rotate it, change it in the program. The only drift of it that shows is that the record
   * has no password any more. Removal empties user name and password. `false`, written as a literal, declares that there are none:
   * credentials that somebody sets are drift.
   */
  credentials?: pulumi.Input<Credentials | false | undefined>;
  /**
   * How mail is read: `ServerSideSynchronization` (default) or `None`. Dynamics accepts no other for a forward mailbox
   * (0x8005E212).
   */
  incomingEmail?: pulumi.Input<"ServerSideSynchronization" | "None" | undefined>;
  /**
   * `None`, as every forward mailbox has it: it cannot send (0x8005E213). While it is declared, another value that somebody sets is
   * drift.
   */
  outgoingEmail?: pulumi.Input<"None" | undefined>;
  /** `None`: a forward mailbox belongs to no user. While it is declared, another value that somebody sets is drift. */
  appointmentsContactsTasks?: pulumi.Input<"None" | undefined>;
  /**
   * Whether to approve the address. Default true. A command, not a value: tried once for each address. It is drift when the address
   * changed behind the program, and when somebody took the approval back: the next deployment approves and tests again. Where the caller
   * may not approve, a warning says who must.
   */
  approveEmail?: pulumi.Input<boolean | undefined>;
  /**
   * Whether to run Test & Enable after creation and after a change that needs it. Default true. A string is a trigger: any
   * change of it runs the test again. `{ require: true }` fails the deployment on a failed test.
   */
  testAndEnable?: pulumi.Input<boolean | string | TestAndEnable | undefined>;
  /**
   * Mailboxes of the tenant whose mail feeds this one, by address or object id, as a list or a map whose values are `{}`. In each,
   * an inbox rule forwards everything **as an attachment**, before all other rules, and where a user or queue of Dynamics has any
   * of its addresses, the incoming method there is set to Forward Mailbox and put back on removal. Changes of the rule, a copy of
   * it, and a rule that comes before it and stops it are drift. A source to which the mail of this mailbox comes back, by
   * forwarding or by other sources, is refused. Where a source feeds several forward mailboxes, the last of them in the program
   * puts the method back. A method that was set by another program, or by a resource renamed without an alias, stays, with a
   * warning. Kept in state as the map.
   */
  sources?: pulumi.Input<
    readonly pulumi.Input<string>[] | Record<string, pulumi.Input<Record<string, never>>> | undefined
  >;
  /**
   * The Dataverse environment the record is in, e.g. `https://contoso.crm4.dynamics.com`. Default: the configuration's. Another
   * one replaces. In a local tenant everything is in the one environment it has.
   */
  environmentUrl?: pulumi.Input<string | undefined>;
  /**
   * Take over the forward mailbox that has the address already, or the one with this id. With none, one is made. With several
   * the id must be written. A warning lists what it overwrites. Read only when the resource is created.
   */
  adopt?: pulumi.Input<boolean | string | undefined>;
  /**
   * What happens to the record when the resource is deleted: `delete` (default for one this resource made) or `retain` (default
   * for one that was adopted or imported). Rules and sources are put back in either case.
   */
  deletion?: pulumi.Input<"delete" | "retain" | undefined>;
}

/**
 * A Dynamics 365 forward mailbox: the mailbox record that server-side synchronisation reads, and the inbox rules in people's
 * mailboxes that feed it. Microsoft recommends individual mailboxes over a forward mailbox where both are possible.
 *
 * @see https://learn.microsoft.com/power-platform/admin/create-forward-mailboxes-edit-mailboxes
 * @see https://learn.microsoft.com/power-platform/admin/forward-mailbox-vs-individual-mailboxes
 *
 * @example
 * new ForwardingMailbox("crm-intake", {
 *   name: "CRM intake",
 *   emailAddress: collector.primarySmtpAddress,
 *   sources: [support.primarySmtpAddress],
 * });
 *
 * @example
 * // Owned by a team, emptied as it is read, and fed by two people as well.
 * new ForwardingMailbox("crm-intake", {
 *   name: "CRM intake",
 *   emailAddress: collector.primarySmtpAddress,
 *   owner: { team: "Support" },
 *   deleteAfterProcessing: true,
 *   sources: ["ada@contoso.com", "grace@contoso.com", support.primarySmtpAddress],
 * });
 *
 * @example
 * // One that is there already. It stays when the resource goes, and a test that fails fails the deployment.
 * new ForwardingMailbox("crm-intake", {
 *   name: "CRM intake",
 *   emailAddress: collector.primarySmtpAddress,
 *   adopt: true,
 *   deletion: "retain",
 *   testAndEnable: { require: true },
 * });
 *
 * @permissions reading mailbox records | reading owners, queues, and the users of mailbox records |
 * forward mailboxes and other mailbox records | approving an e-mail address |
 * automatic replies, regional settings, and inbox rules in sources | reading the accounts of mailboxes and of people
 *
 * @imported [By hand](../import.md#by-hand) with the id of its row in Dynamics. The first refresh finds its rules and sources.
 */
export class ForwardingMailbox extends MailboxRecordResource {
  /** The type token. Policies (`validateResourceOfType`) know the class by it. */
  static readonly __pulumiType: string = typeToken("ForwardingMailbox");

  /** Whether an object is a ForwardingMailbox, made by this copy of the package or another. */
  static override isInstance(obj: unknown): obj is ForwardingMailbox {
    return isOfType(obj, ForwardingMailbox.__pulumiType);
  }

  /**
   * Reads a forward mailbox that this program does not manage. It is read at each preview and deployment, and never changed. The password
   * stays undefined.
   *
   * `sources` has the mailboxes of those users and queues of Dynamics whose incoming method is Forward Mailbox and whose inbox rule
   * forwards to the address as an attachment. Nobody keeps a list of the sources: a mailbox with such a rule and without such a record is
   * missing, and so is one whose rules the application may not read, which a warning says.
   *
   * @param name logical name in the stack.
   * @param idOrAddress the id of the Dataverse `mailbox` row, or the address. `id` is the row's id, whatever was asked for.
   * @param options Pulumi's resource options, and the Dataverse environment.
   * @returns the forward mailbox. Where there is none, several or something else, the deployment fails and says what is there.
   *
   * @example
   * const intake = ForwardingMailbox.get("intake", "crm-intake@contoso.com");
   */
  static get(name: string, idOrAddress: pulumi.Input<string>, options?: RecordReadOptions): ForwardingMailbox {
    return answered(
      Reflect.construct(
        pulumi.CustomResource,
        registrationToRead(resource, name, idOrAddress, options),
        ForwardingMailbox,
      ),
    );
  }

  /** Name of the mailbox record. */
  declare readonly name: pulumi.Output<string>;
  /** The collecting mailbox's address in canonical form: lower case. */
  declare readonly emailAddress: pulumi.Output<string>;
  /** The declared server profile. */
  declare readonly serverProfile: pulumi.Output<string | false | undefined>;
  /** The declared value. */
  declare readonly deleteAfterProcessing: pulumi.Output<boolean | undefined>;
  /** The declared owner. */
  declare readonly owner: pulumi.Output<pulumi.UnwrappedObject<Owner> | undefined>;
  /** The declared credentials, as a secret. */
  declare readonly credentials: pulumi.Output<pulumi.UnwrappedObject<Credentials> | false | undefined>;
  /** The declared method. */
  declare readonly incomingEmail: pulumi.Output<"ServerSideSynchronization" | "None" | undefined>;
  /** The sources in canonical form. */
  declare readonly sources: pulumi.Output<Record<string, Record<string, never>> | undefined>;
  /** Id of the user or team that owns the record. */
  declare readonly ownerId: pulumi.Output<string>;
  /** Id of the inbox rule in each source, as Graph writes it, by its key in `sources`. */
  declare readonly sourceRules: pulumi.Output<Record<string, string>>;
  /** Entra object id of each source, by its key in `sources`. */
  declare readonly sourceIds: pulumi.Output<Record<string, string>>;

  /**
   * Declares a forward mailbox. Its `id` is the id of the Dataverse `mailbox` row.
   *
   * @param name logical name in the stack.
   * @param args what the forward mailbox should be.
   * @param options Pulumi's resource options.
   */
  constructor(name: string, args: ForwardingMailboxArgs, options?: pulumi.CustomResourceOptions) {
    const traceAgain = withoutPromiseTraces();
    try {
      super(
        ...registration(
          resource,
          name,
          {
            ...args,
            sources: keyedInput(args.sources),
            credentials: sealedCredentials(args.credentials),
          },
          options,
        ),
      );
    } finally {
      traceAgain();
    }
  }
}

const resource: ResourceClass = {
  kind: "ForwardingMailbox",
  keyed: ["sources"],
  askedBy: "id or address",
  takenOver:
    "Write `adopt: true`, or the record's id as `adopt`, in its arguments: the first `pulumi up` takes it over.",
  outputs: {
    name: true,
    emailAddress: true,
    owner: true,
    serverProfile: true,
    deleteAfterProcessing: true,
    credentials: true,
    incomingEmail: true,
    sources: true,
    ownerId: true,
    sourceRules: true,
    sourceIds: true,
    ...recordOutputs,
  } satisfies Outputs<ForwardingMailbox>,
};
