import { ProviderError, unless } from "../http/errors";
import { filterLiteral, mapOf, type Row, rowsOf, sameText, text, texts } from "../http/json";
import { type Exchange, tellWarnings } from "./exchange";
import type { Graph } from "./graph";
import { smtpAddresses } from "./mailboxes";
import type { Recipient } from "./recipients";
import { GraphElseExchange } from "./refused";
import type { Scope } from "./waiting";

/** A rule as Exchange showed it. */
interface ExchangeRule extends InboxRule {
  /** What the cmdlets know it by. */
  number: string;
}

/** The mailbox whose rules are meant: it is asked for by its id, and the other members are what Exchange may print. */
type Owner = Pick<Recipient, "id" | "guid" | "name" | "displayName" | "primarySmtpAddress">;

const NEED =
  "The application needs MailboxSettings.ReadWrite of Microsoft Graph (MailboxSettings.Read is enough to read), for the tenant or by RBAC for Applications for this " +
  "mailbox, or in Exchange a management role with the cmdlets of inbox rules, such as Mail Recipients. View-only roles cannot " +
  "read them.";
/** What is left where the cmdlets may not be used either. */
const UNSUPPORTED_NEED =
  "Graph neither changes nor deletes a rule that it can show only in part. Give the application a management role with the " +
  "cmdlets of inbox rules in Exchange, such as Mail Recipients, or have the owner delete the rule in Outlook. Then run again.";
/** Graph neither changes nor deletes a rule that it cannot express: one with a date condition, or without an action. */
const UNSUPPORTED = "ErrorNotSupportedMessageRule";

/**
 * Inbox rules, through Graph (`messageRules`). Where the application may not use that, the cmdlets of the Exchange admin API do
 * the same; a rule made in one way is recognised, changed and removed in the other.
 *
 * @see https://learn.microsoft.com/graph/api/mailfolder-post-messagerules
 * @see https://learn.microsoft.com/powershell/module/exchangepowershell/new-inboxrule
 */
export class InboxRules {
  readonly #graph: Graph;
  readonly #exchange: Exchange;
  readonly #either = new GraphElseExchange(NEED);

  constructor(graph: Graph, exchange: Exchange) {
    this.#graph = graph;
    this.#exchange = exchange;
  }

  /**
   * The rules of a mailbox, or undefined while it is not ready (or there is none).
   *
   * @param who the mailbox in words.
   * @throws ProviderError with what both said and what is needed, when neither service allows it; so do all methods.
   */
  async list(mailbox: Owner, who: string): Promise<InboxRule[] | undefined> {
    return this.#either.do(
      mailbox.id,
      async () => (await this.#graph.inboxRules(mailbox.id, who))?.map(ruleOfGraph),
      () => this.#listByExchange(mailbox, who),
    );
  }

  /** Creates a rule. @returns its id; undefined when the answer does not tell. */
  async create(mailbox: Owner, rule: ForwardingRule, action: string, scope: Scope): Promise<string | undefined> {
    return this.#either.do(
      mailbox.id,
      async () =>
        ruleOfGraph(await this.#graph.createInboxRule(mailbox.id, bodyOf(rule), action, scope)).id || undefined,
      async () => {
        const [row] = await this.#run("New-InboxRule", mailbox.id, parametersOf(rule), action, scope);
        const number = row === undefined ? undefined : numberIn(row);
        return number === undefined ? undefined : idOf(number);
      },
    );
  }

  /** Makes a rule what it should be; conditions, exceptions and other actions stay, and need a new rule. */
  async update(mailbox: Owner, rule: InboxRule, wanted: ForwardingRule, action: string, scope: Scope): Promise<void> {
    await this.#forRule(
      mailbox.id,
      () => this.#graph.updateInboxRule(mailbox.id, rule.id, bodyOf(wanted), action, scope),
      async () => {
        const own = await this.#inExchange(mailbox, rule, action);
        if (own === undefined) {
          throw new ProviderError({
            action,
            words: `Exchange shows no inbox rule "${rule.name}" any more`,
            nextStep: "Run `pulumi up --refresh`.",
          });
        }
        const identity = { Identity: own.number };
        await this.#run("Set-InboxRule", mailbox.id, { ...identity, ...parametersOf(wanted) }, action, scope);
        if (!own.isEnabled) {
          // Neither New- nor Set-InboxRule can switch a rule on.
          await this.#run("Enable-InboxRule", mailbox.id, identity, action, scope);
        }
      },
    );
  }

  /**
   * Puts a rule before others. Graph takes a number that another rule has already, and leaves open which of the two comes first; Exchange
   * inserts. So Graph is asked where there is a number before theirs, and Exchange where there is none.
   *
   * @param others the lowest number among the rules that it has to come before.
   * @returns false where only Exchange could do it, and does not allow it.
   */
  async putBefore(
    mailbox: Owner,
    rule: Pick<InboxRule, "id" | "name">,
    others: number,
    action: string,
    scope: Scope,
  ): Promise<boolean> {
    const byExchange = async (): Promise<void> => {
      const own = await this.#inExchange(mailbox, rule, action);
      if (own !== undefined) {
        await this.#run("Set-InboxRule", mailbox.id, { Identity: own.number, Priority: 1 }, action, scope);
      }
    };
    if (others > 1 && rule.id !== "") {
      const body = { sequence: others - 1 };
      const byGraph = () => this.#graph.updateInboxRule(mailbox.id, rule.id, body, action, scope);
      await this.#forRule(mailbox.id, byGraph, byExchange);
      return true;
    }
    const written = byExchange().then(() => true);
    return (await unless(written, "forbidden")) ?? false;
  }

  /**
   * Deletes a rule; gone already, or its mailbox gone, is success.
   *
   * @param except id of a rule of the same name that is not meant, where there is one.
   */
  async delete(mailbox: Owner, rule: InboxRule, action: string, scope: Scope, except?: string): Promise<void> {
    await this.#forRule(
      mailbox.id,
      () => this.#graph.deleteInboxRule(mailbox.id, rule.id, action, scope),
      async () => {
        const own = await this.#inExchange(mailbox, rule, action, except);
        if (own !== undefined) {
          await this.#remove(mailbox.id, own.number, action, scope);
        }
      },
    );
  }

  /** Deletes a rule of a mailbox that cannot be looked up any more, by the id that was kept; gone already is success. */
  async deleteById(mailboxId: string, ruleId: string, action: string, scope: Scope): Promise<void> {
    await this.#forRule(
      mailboxId,
      () => this.#graph.deleteInboxRule(mailboxId, ruleId, action, scope),
      async () => {
        const number = numberOf(ruleId);
        if (number === undefined) {
          throw new ProviderError({
            action,
            words: `Microsoft Graph refused it, and ${ruleId} leads to no rule in Exchange`,
            nextStep: NEED,
          });
        }
        await this.#remove(mailboxId, number, action, scope);
      },
    );
  }

  /** For a rule that is there: Graph may not support it though it supports others of the mailbox. */
  async #forRule(mailboxId: string, byGraph: () => Promise<void>, byExchange: () => Promise<void>): Promise<void> {
    const ofRule = new GraphElseExchange(UNSUPPORTED_NEED, ({ code }) => code === UNSUPPORTED);
    await ofRule.do(mailboxId, () => this.#either.do(mailboxId, byGraph, byExchange), byExchange);
  }

  async #listByExchange(mailbox: Owner, who: string): Promise<ExchangeRule[] | undefined> {
    const action = `reading the inbox rules of ${who}`;
    const parameters = { Mailbox: mailbox.id, ResultSize: "Unlimited" };
    const output = await unless(this.#exchange.read({ name: "Get-InboxRule", parameters, action }), "notFound");
    return (
      output &&
      Promise.all(
        output.rows.map(async (row) => {
          const number = requireOwn(row, mailbox, action);
          const named = (list: unknown) => Promise.all(texts(list).map((one) => this.#target(one, action)));
          const [targets, forwarded, redirected] = await Promise.all([
            named(row.ForwardAsAttachmentTo),
            named(row.ForwardTo),
            named(row.RedirectTo),
          ]);
          return { ...ruleOfRow(row, targets, [...forwarded, ...redirected]), id: idOf(number), number };
        }),
      )
    );
  }

  /** Exchange prints a recipient of the organisation by its legacy name, without any address. */
  async #target(printed: string, action: string): Promise<RuleTarget> {
    const [, type, value = ""] = / \[(SMTP|EX):(.+)\]$/i.exec(printed) ?? [];
    if (type?.toUpperCase() === "SMTP") {
      return targetWith(value.toLowerCase());
    }
    const mailbox = type === undefined ? undefined : await this.#mailboxNamed(value, action);
    return mailbox ?? { name: printed.replace(/ \[\w+:.*\]$/, ""), addresses: [] };
  }

  async #mailboxNamed(legacyName: string, action: string): Promise<RuleTarget | undefined> {
    const { rows } = await this.#exchange.read({
      name: "Get-Mailbox",
      parameters: { Filter: `LegacyExchangeDN -eq ${filterLiteral(legacyName)}`, ResultSize: "Unlimited" },
      select: ["LegacyExchangeDN", "PrimarySmtpAddress", "EmailAddresses"],
      action: `${action}: looking up ${legacyName}`,
    });
    const row = rows.find(({ LegacyExchangeDN: name }) => sameText(text(name), legacyName));
    return row === undefined
      ? undefined
      : {
          name: text(row.PrimarySmtpAddress).toLowerCase(),
          addresses: smtpAddresses({ emailAddresses: texts(row.EmailAddresses) }),
        };
  }

  /** The rule as Exchange knows it: the one with the same id, else the only one with the same name. */
  async #inExchange(
    mailbox: Owner,
    rule: Pick<InboxRule, "id" | "name">,
    action: string,
    except?: string,
  ): Promise<ExchangeRule | undefined> {
    const all = (await this.#listByExchange(mailbox, mailbox.primarySmtpAddress)) ?? [];
    const rules = all.filter(({ id }) => id !== except);
    const own = rules.find(({ id }) => id === rule.id);
    const [namesake, ...others] = rules.filter(({ name }) => name === rule.name);
    if (own === undefined && others.length > 0) {
      throw new ProviderError({
        action,
        words: `Exchange shows ${others.length + 1} inbox rules "${rule.name}", none with the id of the one that is meant`,
        nextStep: "Nothing was changed. Delete all but one of them in Outlook and run again.",
      });
    }
    return own ?? namesake;
  }

  async #remove(mailboxId: string, number: string, action: string, scope: Scope): Promise<void> {
    const identity = { Identity: number, Confirm: false };
    await unless(this.#run("Remove-InboxRule", mailboxId, identity, action, scope), "notFound");
  }

  async #run(name: string, mailboxId: string, parameters: Row, action: string, scope: Scope): Promise<Row[]> {
    // Without Force the cmdlets ask first where a mailbox has rules of Outlook's own.
    const cmdlet = { name, parameters: { Mailbox: mailboxId, ...parameters, Force: true }, action };
    const { rows, warnings } = await this.#exchange.write(cmdlet, mailboxId, scope);
    tellWarnings(action, warnings, scope);
    return rows;
  }
}

/** The rule's number, of a row that belongs to the mailbox asked for. */
function requireOwn(row: Row, mailbox: Owner, action: string): string {
  const number = numberIn(row);
  const owner = text(row.Identity).replace(/\\[^\\]*$/, "");
  const { id, guid, name, displayName, primarySmtpAddress } = mailbox;
  const isOwn = [id, guid, name, displayName, primarySmtpAddress].some(
    (one) => one !== "" && (sameText(one, owner) || owner.toLowerCase().endsWith(`/${one.toLowerCase()}`)),
  );
  if (number === undefined || !isOwn) {
    throw new ProviderError({
      action,
      words: `Exchange answered with an inbox rule of another mailbox (${text(row.Identity)})`,
      nextStep: "Nothing was changed. Run the command again.",
    });
  }
  return number;
}

/** An inbox rule, whichever service showed it. */
export interface InboxRule {
  /** As Graph writes it, also where Exchange showed it; see {@link idOf}. */
  id: string;
  name: string;
  /** Its place among the mailbox's rules; lower ones run first. */
  sequence: number;
  isEnabled: boolean;
  /** Graph shows it only in part, and neither changes nor deletes it; the cmdlets and Outlook can. */
  isReadOnly: boolean;
  /** The service gave it up; it does not run until it is written anew. */
  isInError: boolean;
  /** Whom it forwards to as an attachment. */
  targets: RuleTarget[];
  /** Whom else it sends messages to: by forwarding in the text, and by redirection. */
  otherTargets: RuleTarget[];
  /** What else it does: `delete`, `moveToFolder`, `stopProcessingRules` and the like, in the words of the service. */
  otherActions: string[];
  /** What keeps it from running on every message, likewise. */
  conditions: string[];
  exceptions: string[];
}

/** Somebody a rule forwards to. */
interface RuleTarget {
  /** The address, or what the service prints where it does not lead to one. */
  name: string;
  /** Every address by which it is known that the target has it; lower case. */
  addresses: string[];
}

/** A rule that forwards every message as an attachment, runs first and lets the rules behind it run. */
export interface ForwardingRule {
  name: string;
  /** Address of the target. */
  target: string;
}

/** Whether a rule forwards to somebody with one of these addresses as an attachment. */
export function forwardsTo(rule: InboxRule, those: readonly string[]): boolean {
  return rule.targets.some(({ addresses }) => addresses.some((address) => those.includes(address)));
}

/** A rule in the words of Graph. */
function bodyOf({ name, target }: ForwardingRule): Row {
  return {
    displayName: name,
    sequence: 1,
    isEnabled: true,
    actions: { forwardAsAttachmentTo: [{ emailAddress: { address: target } }], stopProcessingRules: false },
  };
}

/** A rule in the words of the cmdlets. */
function parametersOf({ name, target }: ForwardingRule): Row {
  return { Name: name, ForwardAsAttachmentTo: [target], Priority: 1, StopProcessingRules: false };
}

/** A rule as Graph shows it. */
function ruleOfGraph(body: Row): InboxRule {
  const { forwardAsAttachmentTo, ...actions } = present(body.actions);
  return {
    id: text(body.id),
    name: text(body.displayName),
    sequence: Number(body.sequence ?? 0),
    isEnabled: body.isEnabled === true,
    isReadOnly: body.isReadOnly === true,
    isInError: body.hasError === true,
    targets: targetsOfGraph(forwardAsAttachmentTo),
    otherTargets: [...targetsOfGraph(actions.forwardTo), ...targetsOfGraph(actions.redirectTo)],
    otherActions: Object.keys(actions),
    conditions: Object.keys(present(body.conditions)),
    exceptions: Object.keys(present(body.exceptions)),
  };
}

function targetsOfGraph(recipients: unknown): RuleTarget[] {
  return (rowsOf(recipients) ?? []).map(({ emailAddress }) =>
    targetWith(text(mapOf(emailAddress).address).toLowerCase()),
  );
}

/** A target that is known by one address. */
function targetWith(address: string): RuleTarget {
  return { name: address, addresses: [address] };
}

const ACTIONS = [
  "ApplyCategory",
  "ApplySystemCategory",
  "ClearCategories",
  "ClearFlag",
  "CompleteFlag",
  "CopyToFolder",
  "DeleteMessage",
  "DeleteSystemCategory",
  "DisplayAlert",
  "FlagMessage",
  "ForwardTo",
  "MarkAsRead",
  "MarkImportance",
  "MoveToFolder",
  "PermanentDelete",
  "PinMessage",
  "PlaySound",
  "RedirectTo",
  "SendTextMessageNotificationTo",
  "SoftDeleteMessage",
  "StopProcessingRules",
];

/** Each is an exception, too, with `ExceptIf` before its name. */
const CONDITIONS = [
  "AnyCategory",
  "AssignedCategories",
  "BodyContainsWords",
  "BulkCategory",
  "FlaggedForAction",
  "From",
  "FromAddressContainsWords",
  "HasAttachment",
  "HasClassification",
  "HeaderContainsWords",
  "MessageTypeMatches",
  "MyNameInCcBox",
  "MyNameInToBox",
  "MyNameInToOrCcBox",
  "MyNameNotInToBox",
  "ReceivedAfterDate",
  "ReceivedBeforeDate",
  "RecipientAddressContainsWords",
  "SentOnlyToMe",
  "SentTo",
  "SubjectContainsWords",
  "SubjectOrBodyContainsWords",
  "WithImportance",
  "WithinSizeRangeMaximum",
  "WithinSizeRangeMinimum",
  "WithSensitivity",
];

/** A rule as `Get-InboxRule` shows it, without its id. */
function ruleOfRow(row: Row, targets: RuleTarget[], otherTargets: RuleTarget[]): Omit<InboxRule, "id"> {
  const said = Object.keys(present(row));
  const among = (names: readonly string[]) => said.filter((name) => names.includes(name)).map(decapitalised);
  return {
    name: text(row.Name),
    sequence: Number(row.Priority ?? 0),
    isEnabled: row.Enabled === true,
    isReadOnly: false,
    isInError: row.InError === true,
    targets,
    otherTargets,
    otherActions: among(ACTIONS),
    conditions: among(CONDITIONS),
    exceptions: said.filter((name) => name.startsWith("ExceptIf")).map(decapitalised),
  };
}

function decapitalised(name: string): string {
  return `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
}

/** The members that say something: both services fill the others with null, false and empty lists. */
function present(part: unknown): Row {
  return Object.fromEntries(
    Object.entries(mapOf(part)).filter(
      ([, value]) => value !== null && value !== false && value !== "" && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** The number of a rule. It comes out of Identity: as `RuleIdentity` it is a JSON number too large for JavaScript, and ends wrong. */
function numberIn(row: Row): string | undefined {
  return /\\(\d+)$/.exec(text(row.Identity))?.[1];
}

/**
 * Exchange's number of a rule as Graph writes ids: eight bytes, low ones first, in base64. That they are the same is inferred from
 * published ids of both, and unverified. Where they are not, a rule is still recognised by its name and target, and a number that
 * Exchange gave comes back to Exchange as it was.
 */
function idOf(number: string): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(number)));
  return bytes.toString("base64");
}

/** Exchange's number of the rule with this id; undefined for an id of another form. */
function numberOf(id: string): string | undefined {
  const bytes = Buffer.from(id, "base64");
  return bytes.length === 8 ? bytes.readBigUInt64LE(0).toString() : undefined;
}
