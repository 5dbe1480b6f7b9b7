import * as pulumi from "@pulumi/pulumi";
import {
  answered,
  isOfType,
  noteId,
  type Outputs,
  type RecordReadOptions,
  type ResourceClass,
  registration,
  registrationToRead,
  typeToken,
  withoutPromiseTraces,
} from "../../resources/dynamic-resource";
import { MailboxRecordResource, type Owner, recordOutputs, type TestAndEnable } from "../mailbox-record/resource";

/** Which messages become records of Dynamics, in the words of `incomingemailfilteringmethod`. */
export type EmailFiltering =
  | "All"
  | "ResponsesToDynamicsEmail"
  | "LeadsContactsAccounts"
  | "EmailEnabledRecords"
  | "None";

/** What a {@link Queue} is declared with. */
export interface QueueArgs {
  /** Name of the queue, 1 to 200 characters. Changed in place. */
  name: pulumi.Input<string>;
  /**
   * Address of the mailbox that the queue gets its mail from, at most 100 characters. A `SharedMailbox` is best, because it needs no licence.
   * It must exist in the tenant. Changed in place: a new address needs a new approval and a new test.
   */
  emailAddress: pulumi.Input<string>;
  /**
   * Who owns the queue: a user or a team of the Dynamics environment. Default when created: the application that deploys.
   * Undeclared, it is left alone afterwards. Removed from the program, it goes back to the application. Changed in place.
   */
  owner?: pulumi.Input<Owner | undefined>;
  /**
   * The e-mail server profile of the queue's mailbox record, by name or id. It must be active. Default: the organisation's. `false`
   * declares that there is none: one that somebody sets is drift. Changed in place: it needs a new test.
   */
  serverProfile?: pulumi.Input<string | false | undefined>;
  /**
   * How mail comes in: `None`, `ServerSideSynchronization`, or `ForwardMailbox` for a queue whose mail comes through a
   * {@link ForwardingMailbox}. Default when created: the organisation's. Removed from the program, it goes
   * back to what it was before, or to `None` if it was declared from the creation on. On an imported queue it stays, because what was
   * before is not known.
   */
  incomingEmail?: pulumi.Input<"None" | "ServerSideSynchronization" | "ForwardMailbox" | undefined>;
  /**
   * How mail goes out: `None` or `ServerSideSynchronization`. Default when created: the organisation's. Removed from the program,
   * it goes back as `incomingEmail` does.
   */
  outgoingEmail?: pulumi.Input<"None" | "ServerSideSynchronization" | undefined>;
  /** Which messages become records. Default: `All`. Removed from the program, it goes back to what it was before, or to `All`. */
  emailFiltering?: pulumi.Input<EmailFiltering | undefined>;
  /**
   * Whether to approve the address. Default true. A command, not a value: tried once for each address. It is drift when the address
   * changed behind the program, and when somebody took the approval back: the next deployment approves and tests again. Where the caller
   * may not approve, a warning says who must.
   */
  approveEmail?: pulumi.Input<boolean | undefined>;
  /**
   * Whether to run Test & Enable on the queue's mailbox record after creation and after a change that needs it, but not while the
   * address is not approved, nor when nothing is synchronised by the server. Default true. A string is a trigger: any change of it
   * runs the test again. `{ require: true }` fails the deployment on a failed test.
   */
  testAndEnable?: pulumi.Input<boolean | string | TestAndEnable | undefined>;
  /** The Dataverse environment the queue is in. Default: the configuration's. Another one replaces. */
  environmentUrl?: pulumi.Input<string | undefined>;
  /**
   * Take over the queue that has the address already, or the one with this id. With none, one is made. With several the id must be
   * written. A warning lists what it overwrites. Read only when the resource is created.
   */
  adopt?: pulumi.Input<boolean | string | undefined>;
  /**
   * What happens to the queue when the resource is deleted: `delete` (default for one this resource made) or `retain` (default for
   * one that was adopted or imported). A queue that still has items is not deleted. The error says how many (0x80631117).
   */
  deletion?: pulumi.Input<"delete" | "retain" | undefined>;
}

/**
 * A queue of Dynamics 365 that gets its mail from a mailbox of the tenant. On a shared mailbox it costs no licence. Dynamics makes a
 * mailbox record for it, some time after the queue: this resource waits for it, sets its server profile, approves its address and
 * tests it. Its further properties belong to an {@link IndividualMailbox} with `queue`. Queue items are never moved or deleted.
 *
 * @see https://learn.microsoft.com/power-platform/admin/connect-exchange-online
 *
 * @example
 * new Queue("support", {
 *   name: "Support",
 *   emailAddress: support.primarySmtpAddress,
 *   incomingEmail: "ServerSideSynchronization",
 * });
 *
 * @example
 * // Owned by a team. Replies go out through the server, and every message becomes a record.
 * new Queue("support", {
 *   name: "Support",
 *   emailAddress: support.primarySmtpAddress,
 *   owner: { team: "Support" },
 *   incomingEmail: "ServerSideSynchronization",
 *   outgoingEmail: "ServerSideSynchronization",
 *   emailFiltering: "All",
 * });
 *
 * @example
 * // Its mail comes through a forward mailbox. The queue that is there already is taken over, and stays when the resource goes.
 * new Queue("desk", {
 *   name: "Desk",
 *   emailAddress: desk.primarySmtpAddress,
 *   incomingEmail: "ForwardMailbox",
 *   adopt: true,
 *   deletion: "retain",
 * });
 *
 * @permissions reading mailbox records | reading owners, queues, and the users of mailbox records |
 * forward mailboxes and other mailbox records | queues | approving an e-mail address
 *
 * @imported [By hand](../import.md#by-hand) with the id of the queue's row in Dynamics.
 */
export class Queue extends MailboxRecordResource {
  /** The type token. Policies (`validateResourceOfType`) know the class by it. */
  static readonly __pulumiType: string = typeToken("Queue");

  /** Whether an object is a Queue, made by this copy of the package or another. */
  static override isInstance(obj: unknown): obj is Queue {
    return isOfType(obj, Queue.__pulumiType);
  }

  /**
   * Reads a queue that this program does not manage. It is read at each preview and deployment, and never changed.
   *
   * @param name logical name in the stack.
   * @param idOrAddressOrName the queue's id, address or name. `id` is the queue's id, whatever was asked for.
   * @param options Pulumi's resource options, and the Dataverse environment.
   * @returns the queue. Where there is none, or several, the deployment fails and says what is there.
   *
   * @example
   * const service = Queue.get("service", "service@contoso.com");
   * new IndividualMailbox("service-record", { queue: service.id, incomingEmail: "ServerSideSynchronization" });
   */
  static get(name: string, idOrAddressOrName: pulumi.Input<string>, options?: RecordReadOptions): Queue {
    return answered(
      Reflect.construct(pulumi.CustomResource, registrationToRead(resource, name, idOrAddressOrName, options), Queue),
    );
  }

  /** Name of the queue. */
  declare readonly name: pulumi.Output<string>;
  /** The address in canonical form: lower case. */
  declare readonly emailAddress: pulumi.Output<string>;
  /** The declared owner. */
  declare readonly owner: pulumi.Output<pulumi.UnwrappedObject<Owner> | undefined>;
  /** The declared server profile. */
  declare readonly serverProfile: pulumi.Output<string | false | undefined>;
  /** The declared method. */
  declare readonly incomingEmail: pulumi.Output<"None" | "ServerSideSynchronization" | "ForwardMailbox" | undefined>;
  /** The declared method. */
  declare readonly outgoingEmail: pulumi.Output<"None" | "ServerSideSynchronization" | undefined>;
  /** The declared filtering. */
  declare readonly emailFiltering: pulumi.Output<EmailFiltering | undefined>;
  /** Id of the queue's mailbox record. */
  declare readonly mailboxId: pulumi.Output<string>;
  /** Id of the user or team that owns the queue. */
  declare readonly ownerId: pulumi.Output<string>;

  /**
   * Declares a queue. Its `id` is the id of the Dataverse `queue` row.
   *
   * @param name logical name in the stack.
   * @param args what the queue should be.
   * @param options Pulumi's resource options.
   */
  constructor(name: string, args: QueueArgs, options?: pulumi.CustomResourceOptions) {
    const traceAgain = withoutPromiseTraces();
    try {
      super(...registration(resource, name, { ...args }, options));
    } finally {
      traceAgain();
    }
    noteId(this);
  }
}

const resource: ResourceClass = {
  kind: "Queue",
  askedBy: "id, address or name",
  takenOver:
    "Write `adopt: true`, or the queue's id as `adopt`, in its arguments: the first `pulumi up` takes it over.",
  outputs: {
    name: true,
    emailAddress: true,
    owner: true,
    serverProfile: true,
    incomingEmail: true,
    outgoingEmail: true,
    emailFiltering: true,
    mailboxId: true,
    ownerId: true,
    ...recordOutputs,
  } satisfies Outputs<Queue>,
};
