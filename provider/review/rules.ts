/** Rules about mailboxes: policies of `pulumi-mailboxes/policy`, and flags of `mailboxes review`. Each is written once, here. */
import { z } from "zod";

/** What a violation does: it is told, or it fails the preview; `disabled` rules are not asked. */
export type Level = "advisory" | "mandatory" | "disabled";

/** Switches a rule: `false` turns it off, a level turns it on, an object turns it on with what stands in it. */
export type Switch<Parameters = object> =
  | false
  | Level
  | (Parameters & {
      /** What a violation does. Default: the rule's own, see {@link MailboxPolicyOptions}. */
      enforcementLevel?: Level | undefined;
    });

/** Addresses or names: text in which `*` stands for any characters, compared without case, or a regular expression. */
export type Pattern = string | RegExp;

/** A mailbox as a rule of departments sees it. */
export interface RuledMailbox {
  /** Logical name of the resource. */
  name: string;
  /** The declared display name. */
  displayName: string | undefined;
  /** The declared address, in lower case. */
  primarySmtpAddress: string | undefined;
  /** The declared custom attributes by number; undefined where there are none. */
  customAttributes: Readonly<Record<string, string | false>> | undefined;
}

/**
 * The rules. Each is a policy named by its code: `signInOpen` is `sign-in-open`. The first five are on unless they are switched off,
 * the others off unless they are written. Every level is `mandatory` unless something else is said here.
 */
export interface MailboxPolicyOptions {
  /** `sign-in-open`: sign-in to a shared mailbox's account stays blocked. On. */
  signInOpen?: Switch;
  /**
   * `external-forwarding`: no mailbox forwards mail to an address outside. Inside are the domains of the mailbox's own addresses,
   * and `domains`. On.
   */
  externalForwarding?: Switch<{ domains?: readonly string[] | undefined }>;
  /** `permanent-deletion`: no mailbox is declared with `deletion: "purge"`, which deletes mailbox and account for good. On. */
  permanentDeletion?: Switch;
  /** `everyone-group`: no mailbox is open to a group of everybody. `groups` are its addresses; default {@link EVERYONE}. On. */
  everyoneGroup?: Switch<{ groups?: readonly Pattern[] | undefined }>;
  /** `external-replies`: no mailbox gives automatic replies to people outside. On, and `advisory`. */
  externalReplies?: Switch;
  /** `not-exclusive`: every membership is exclusive, so that access that nobody declared is found and removed. */
  notExclusive?: Switch;
  /** `too-many-members`: a membership has at most `most` members. A group counts as one. */
  tooManyMembers?: false | { most: number; enforcementLevel?: Level | undefined };
  /** `wrong-members`: members are only groups, or only people. The state does not say which is which: `groups` are the addresses of groups. */
  wrongMembers?:
    | false
    | { only: "groups" | "people"; groups: readonly Pattern[]; enforcementLevel?: Level | undefined };
  /**
   * `access-ends`: access ends on a day that the program names (`until`). `members` are the addresses that this holds for, such as those of
   * people from outside; default everybody.
   */
  accessEnds?: Switch<{ members?: readonly Pattern[] | undefined }>;
  /** `no-members`: every mailbox of the program has a membership with somebody in it. */
  noMembers?: Switch;
  /** `no-owner`: every mailbox says in one custom attribute who owns it, in a text that fits `pattern`. */
  noOwner?: false | { attribute: number; pattern?: Pattern | undefined; enforcementLevel?: Level | undefined };
  /** `no-sent-copies`: every mailbox keeps copies of what is sent as it and on its behalf. */
  noSentCopies?: Switch;
  /**
   * `across-departments`: Full Access only within a department. `isAllowed` decides for a member, as it is written in the program, and a
   * mailbox of the program. It cannot stand in a file of `mailboxes review`.
   */
  acrossDepartments?:
    | false
    | {
        isAllowed: (member: string, mailbox: RuledMailbox) => boolean;
        enforcementLevel?: Level | undefined;
      };
}

/** Addresses that groups of everybody usually have. */
export const EVERYONE: readonly Pattern[] = [
  ...["everyone@*", "everybody@*", "all@*", "all-staff@*", "allstaff@*", "all-users@*", "allusers@*"],
  ...["all-employees@*", "allemployees@*", "all-company@*", "allcompany@*", "all-people@*"],
];

/** What stands in place of a value that a preview does not know yet: Pulumi's own mark, as `pulumi preview --json` prints it. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What `pulumi preview --json` prints in place of a secret. */
export const SECRET = "[secret]";

/** A resource of this package, as a program declares it. */
export interface Declared {
  urn: string;
  kind: string;
  inputs: Readonly<Record<string, unknown>>;
  /** URNs of the resources that the input `mailbox` comes from. */
  mailboxFrom: readonly string[];
}

/** What is wrong with a resource. */
export interface Violation {
  /** Name of the policy, and code of the flag. */
  code: string;
  urn: string;
  message: string;
}

interface Rule<Parameters> {
  description: string;
  kind: "SharedMailbox" | "MailboxMembership";
  /** Default: `mandatory`. */
  level?: Level;
  /** Whether it holds unless it is switched off. */
  isOn?: true;
  /** Whether other resources decide too, so that it is asked when all of them are known. */
  isOfStack?: true;
  parameters?: z.ZodRawShape;
  violations(resource: Declared, parameters: Parameters, beside: Beside): string[];
}

/** What a rule knows beside the resource. */
interface Beside {
  resources: readonly Declared[];
  /** Domains that are the organisation's, beside those of the mailbox. */
  domains: readonly string[];
}

type RuleName = keyof MailboxPolicyOptions;
type ParametersOf<Name extends RuleName> = Exclude<MailboxPolicyOptions[Name], false | Level | undefined>;

const pattern = z.union([z.string().min(1), z.instanceof(RegExp)], {
  error: 'must be text such as "team-*@contoso.com", or a regular expression',
});
const patterns = z.array(pattern, { error: 'must be a list such as ["team-*@contoso.com"]' });

const RULES: { readonly [Name in RuleName]-?: Rule<ParametersOf<Name>> } = {
  signInOpen: {
    description: "Nobody signs in to a shared mailbox: people reach it with their own account.",
    kind: "SharedMailbox",
    isOn: true,
    violations: ({ inputs }) =>
      inputs.signInBlocked === false ? ["Sign-in to the mailbox's account is not blocked."] : [],
  },
  externalForwarding: {
    description: "No mailbox forwards mail to an address outside.",
    kind: "SharedMailbox",
    isOn: true,
    parameters: {
      domains: z
        .array(z.string().regex(/^[^@\s]+\.[^@\s]+$/), { error: 'must be a list of domains, e.g. ["contoso.com"]' })
        .optional(),
    },
    violations({ inputs }, { domains = [] }, beside) {
      const to = forwardingTarget(inputs);
      if (to === SECRET) {
        return ["Mail is forwarded to an address that is a secret, so it does not show whether it is outside."];
      }
      const inside = [...domainsOf(inputs), ...domains, ...beside.domains].map((domain) => domain.toLowerCase());
      const isOutside = to?.includes("@") === true && !inside.includes(domainOf(to));
      return isOutside
        ? [`Mail is forwarded to an address outside${shown(to, inputs, "forwarding", "forwarding/to")}.`]
        : [];
    },
  },
  permanentDeletion: {
    description: "No mailbox is deleted for good: a deleted one can be brought back for 30 days.",
    kind: "SharedMailbox",
    isOn: true,
    violations: ({ inputs }) =>
      deletionMode(inputs) === "purge" ? ['deletion: "purge" deletes mailbox and account for good.'] : [],
  },
  everyoneGroup: {
    description: "No mailbox is open to everybody.",
    kind: "MailboxMembership",
    isOn: true,
    parameters: { groups: patterns.optional() },
    violations: ({ inputs }, { groups = EVERYONE }) =>
      membersOf(inputs)
        .filter((member) => fits(member, groups))
        .map((member) => `A member is a group of everybody${shown(member, inputs, "members")}.`),
  },
  externalReplies: {
    description: "No mailbox gives automatic replies to people outside.",
    kind: "SharedMailbox",
    level: "advisory",
    isOn: true,
    violations: ({ inputs }) =>
      repliesOutside(inputs)
        ? ["People outside get automatic replies, which tell that somebody reads the address."]
        : [],
  },
  notExclusive: {
    description: "Every membership is exclusive: access that nobody declared is found and removed.",
    kind: "MailboxMembership",
    violations: ({ inputs: { exclusive } }) =>
      exclusive === true || exclusive === UNKNOWN ? [] : ["It is not exclusive: write exclusive: true."],
  },
  tooManyMembers: {
    description: "Not too many people share a mailbox.",
    kind: "MailboxMembership",
    parameters: { most: z.int({ error: "must be a whole number from 1, e.g. 10" }).min(1) },
    violations({ inputs }, { most }) {
      const count = membersOf(inputs).length;
      return count > most ? [`It has ${count} members; at most ${most} are allowed.`] : [];
    },
  },
  wrongMembers: {
    description: "Members are of the kind that is allowed: only groups, or only people.",
    kind: "MailboxMembership",
    parameters: { only: z.enum(["groups", "people"], { error: 'must be "groups" or "people"' }), groups: patterns },
    violations: ({ inputs }, { only, groups }) =>
      membersOf(inputs)
        .filter((member) => !isUnknownMember(member) && fits(member, groups) !== (only === "groups"))
        .map(
          (member) =>
            `A member is ${only === "groups" ? "no group; only groups" : "a group; only people"} may be members${shown(member, inputs, "members")}.`,
        ),
  },
  accessEnds: {
    description: "Access ends on a day that the program names.",
    kind: "MailboxMembership",
    parameters: { members: patterns.optional() },
    violations: ({ inputs }, { members = ["*"] }) =>
      membersOf(inputs)
        .filter((member) => !isUnknownMember(member) && fits(member, members) && !hasEnd(inputs, member))
        .map((member) => `A member's access does not end: write until${shown(member, inputs, "members")}.`),
  },
  noMembers: {
    description: "Every mailbox has members.",
    kind: "SharedMailbox",
    isOfStack: true,
    violations: (mailbox, _none, { resources }) =>
      resources.some((one) => isOn(one, mailbox) && one.inputs.members !== undefined && !isEmpty(one.inputs.members))
        ? []
        : ["Nobody is a member of it: no MailboxMembership of the program has somebody on it."],
  },
  noOwner: {
    description: "Every mailbox says who owns it.",
    kind: "SharedMailbox",
    parameters: {
      attribute: z.int({ error: "must be the number of a custom attribute, 1 to 15" }).min(1).max(15),
      pattern: pattern.optional(),
    },
    violations({ inputs }, { attribute, pattern: form = "*" }) {
      const owner = mapOf(inputs.customAttributes)[attribute];
      const isKnown = typeof owner === "string" && owner !== "";
      const isOwner = isKnown && (owner === UNKNOWN || owner === SECRET || fits(owner, [form]));
      return inputs.customAttributes === UNKNOWN || inputs.customAttributes === SECRET || isOwner
        ? []
        : [
            `customAttributes[${attribute}] ${isKnown ? "has not the form of an owner" : "does not say who owns the mailbox"}.`,
          ];
    },
  },
  noSentCopies: {
    description: "Every mailbox keeps copies of what is sent from it.",
    kind: "SharedMailbox",
    violations({ inputs }) {
      const { copySentItems } = inputs;
      const copies = mapOf(copySentItems);
      const missing = ["sentAs", "sentOnBehalf"].filter(
        (name) => typeof copySentItems !== "string" && copies[name] !== true && copies[name] !== UNKNOWN,
      );
      return missing.length === 0 ? [] : [`copySentItems.${missing.join(" and copySentItems.")}: write true.`];
    },
  },
  acrossDepartments: {
    description: "Full Access is given within a department only.",
    kind: "MailboxMembership",
    isOfStack: true,
    parameters: {
      isAllowed: z.custom<(member: string, mailbox: RuledMailbox) => boolean>((value) => typeof value === "function", {
        error: "must be a function of a member and a mailbox",
      }),
    },
    violations(membership, { isAllowed }, { resources }) {
      const { inputs } = membership;
      return resources
        .filter((one) => one.kind === "SharedMailbox" && isOn(membership, one))
        .flatMap((mailbox) =>
          membersOf(inputs)
            .filter((member) => !isUnknownMember(member) && hasFullAccess(inputs, member))
            .filter((member) => !isAllowed(member, ruled(mailbox)))
            .map((member) => `A member is of another department than the mailbox${shown(member, inputs, "members")}.`),
        );
    },
  },
};

/** Every code of a rule, with what the rule demands. */
export const RULE_CODES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(RULES).map(([name, { description }]) => [codeOf(name), description]),
);

/**
 * What breaks the rules among resources.
 *
 * @param domains domains that are the organisation's.
 * @throws Error when an option is wrong; it begins with the option's path.
 */
export function violationsAmong(
  resources: readonly Declared[],
  options: MailboxPolicyOptions,
  domains: readonly string[],
): Violation[] {
  return rulesFor(options).flatMap(({ code, rule, level, parameters }) =>
    level === "disabled"
      ? []
      : resources
          .filter(({ kind }) => kind === rule.kind)
          .flatMap((resource) =>
            rule
              .violations(resource, parameters, { resources, domains })
              .map((message) => ({ code, urn: resource.urn, message })),
          ),
  );
}

/** The kind of a resource by its type token; undefined for one of another package. */
export function kindOf(type: string): string | undefined {
  return /^pulumi-nodejs:dynamic\/mailboxes:(\w+)$/.exec(type)?.[1];
}

/** The mode of `deletion`; undefined where none is declared. */
export function deletionMode({ deletion }: Readonly<Record<string, unknown>>): unknown {
  return isMap(deletion) ? deletion.mode : deletion;
}

/** Where mail is forwarded to; undefined where it is not. */
export function forwardingTarget({ forwarding }: Readonly<Record<string, unknown>>): string | undefined {
  const to = isMap(forwarding) ? forwarding.to : forwarding;
  return typeof to === "string" && to !== UNKNOWN ? to : undefined;
}

/** Whether automatic replies go to people outside. */
export function repliesOutside({ automaticReplies }: Readonly<Record<string, unknown>>): boolean {
  const { status, externalMessage, externalAudience } = mapOf(automaticReplies);
  const isOn = status === "alwaysEnabled" || status === "scheduled";
  return isOn && externalAudience !== "none" && externalMessage !== undefined && externalMessage !== "";
}

/** The domains of a mailbox's own addresses. */
export function domainsOf({ primarySmtpAddress, emailAliases }: Readonly<Record<string, unknown>>): string[] {
  return [primarySmtpAddress, ...(Array.isArray(emailAliases) ? emailAliases : [])]
    .filter((address): address is string => typeof address === "string" && address.includes("@"))
    .map(domainOf);
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

interface Chosen {
  code: string;
  // biome-ignore lint/suspicious/noExplicitAny: a rule gets the parameters that were checked by its own schema.
  rule: Rule<any>;
  level: Level;
  parameters: object;
}

/**
 * The rules that hold, with their levels and parameters.
 *
 * @throws Error when an option is wrong; it begins with the option's path.
 */
export function rulesFor(options: MailboxPolicyOptions): Chosen[] {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(RULES, name));
  if (unknown !== undefined) {
    throw new Error(`${unknown}: is not a rule about mailboxes; the rules are ${Object.keys(RULES).join(", ")}`);
  }
  return (Object.keys(RULES) as RuleName[]).flatMap((name) => {
    const rule = RULES[name];
    const given = options[name];
    if (given === false || (given === undefined && rule.isOn !== true)) {
      return [];
    }
    const { enforcementLevel, ...parameters } = checked(name, rule.parameters, given);
    return [{ code: codeOf(name), rule, level: enforcementLevel ?? rule.level ?? "mandatory", parameters }];
  });
}

const level = z.enum(["advisory", "mandatory", "disabled"], {
  error: 'must be "advisory", "mandatory" or "disabled"',
});

function checked(
  name: string,
  parameters: z.ZodRawShape = {},
  given: unknown = {},
): { enforcementLevel?: Level | undefined } {
  const value = typeof given === "string" ? { enforcementLevel: given } : given;
  const { error, data } = z.strictObject({ ...parameters, enforcementLevel: level.optional() }).safeParse(value);
  if (error !== undefined) {
    const [issue] = error.issues;
    throw new Error(`${[name, ...(issue?.path ?? [])].join(".")}: ${issue?.message}`);
  }
  return data;
}

/** `signInOpen` → `sign-in-open`. */
function codeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The members by their keys; none where they are not known, or secret in a preview's JSON. */
function membersOf({ members }: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(mapOf(members));
}

function hasFullAccess({ members }: Readonly<Record<string, unknown>>, member: string): boolean {
  return mapOf(mapOf(members)[member]).fullAccess !== false;
}

function hasEnd({ members }: Readonly<Record<string, unknown>>, member: string): boolean {
  const rights = mapOf(members)[member];
  return rights === UNKNOWN || rights === SECRET || typeof mapOf(rights).until === "string";
}

/** A key that stands in a preview for a member who is not known yet. */
export function isUnknownMember(key: string): boolean {
  return key.includes("(not known yet");
}

function isEmpty(members: unknown): boolean {
  return isMap(members) && Object.keys(members).length === 0;
}

/** Policy packs load this file alone, so that it does not share these two. */
function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {};
}

/** Whether a membership is on a mailbox of the program. */
function isOn(membership: Declared, { urn, inputs }: Declared): boolean {
  const { primarySmtpAddress, emailAliases } = inputs;
  const addresses = [primarySmtpAddress, ...(Array.isArray(emailAliases) ? emailAliases : [])];
  return (
    membership.kind === "MailboxMembership" &&
    (membership.mailboxFrom.includes(urn) || addresses.includes(membership.inputs.mailbox))
  );
}

function ruled({ urn, inputs }: Declared): RuledMailbox {
  const text = (value: unknown) => (typeof value === "string" && value !== UNKNOWN ? value : undefined);
  return {
    name: urn.split("::").at(-1) ?? urn,
    displayName: text(inputs.displayName),
    primarySmtpAddress: text(inputs.primarySmtpAddress),
    customAttributes:
      typeof inputs.customAttributes === "object" && inputs.customAttributes !== null
        ? (inputs.customAttributes as Record<string, string | false>)
        : undefined,
  };
}

/** Patterns are few and asked often. */
const compiled = new Map<string, RegExp>();

function fits(text: string, wanted: readonly Pattern[]): boolean {
  return wanted.some((one) => text.search(typeof one === "string" ? compile(one) : one) >= 0);
}

function compile(text: string): RegExp {
  const known =
    compiled.get(text) ?? new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "is");
  compiled.set(text, known);
  return known;
}

/** Stands for the names of secret inputs where nobody tells them. */
export const ANY_INPUT = "*";

/** A value behind a message; not if it is a secret, or may be one. */
function shown(
  value: string | undefined,
  { __secrets }: Readonly<Record<string, unknown>>,
  ...names: string[]
): string {
  const isSecret = Array.isArray(__secrets) && __secrets.some((name) => name === ANY_INPUT || names.includes(name));
  return isSecret || value === undefined ? "" : `: ${value}`;
}
