import type { Properties } from "../reconcilers/reconciler";

/** One mailbox of a program. */
export interface ProgramMailbox {
  variable: string;
  name: string;
  declared: Properties;
  /** Membership of the mailbox: its logical name and `members`; undefined when nobody is a member. */
  membership: { name: string; members: unknown } | undefined;
  /** Sentences that stand above it. */
  notes: readonly string[];
}

/** Longest line that is not broken. */
const WIDTH = 120;

/**
 * A Pulumi program in TypeScript that declares mailboxes and their members.
 *
 * @param heading sentences at its top.
 * @param closing sentences at its end, about what is not in it.
 */
export function programText(
  heading: readonly string[],
  mailboxes: readonly ProgramMailbox[],
  closing: readonly string[],
): string {
  const hasMembers = mailboxes.some(({ membership }) => membership !== undefined);
  const classes = [...(hasMembers ? ["MailboxMembership"] : []), ...(mailboxes.length > 0 ? ["SharedMailbox"] : [])];
  return [
    ...heading.map(comment),
    ...(classes.length > 0 ? [`import { ${classes.join(", ")} } from "pulumi-mailboxes";`] : ["export {};"]),
    ...mailboxes.flatMap(statements),
    ...(closing.length > 0 ? ["", ...closing.map(comment)] : []),
    "",
  ].join("\n");
}

function statements({ variable, name, declared, membership, notes }: ProgramMailbox): string[] {
  const mailbox = `new SharedMailbox(${text(name)}, ${broken(declared)});`;
  return [
    "",
    ...notes.map(comment),
    membership === undefined ? mailbox : `const ${variable} = ${mailbox}`,
    ...(membership === undefined
      ? []
      : [
          `new MailboxMembership(${text(membership.name)}, ${broken({
            mailbox: new Code(`${variable}.id`),
            members: membership.members,
          })});`,
        ]),
  ];
}

/** A line of its own: what the services say may hold line breaks, and must not become code. */
function comment(sentence: string): string {
  return `// ${sentence.replace(/[\p{Cc}\u2028\u2029]+/gu, " ")}`;
}

/** An expression in place of a value. */
class Code {
  constructor(readonly expression: string) {}
}

function broken(properties: Properties, indent = ""): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([property, value]) => {
    const start = `${inner}${key(property)}: `;
    return `${start}${literal(value, inner, start.length)},`;
  });
  return ["{", ...lines, `${indent}}`].join("\n");
}

function literal(value: unknown, indent: string, column: number): string {
  const flat = inline(value);
  if (typeof value !== "object" || value === null || value instanceof Code || column + flat.length < WIDTH) {
    return flat;
  }
  if (!Array.isArray(value)) {
    return broken(value as Properties, indent);
  }
  const inner = `${indent}  `;
  return ["[", ...value.map((element) => `${inner}${literal(element, inner, inner.length)},`), `${indent}]`].join("\n");
}

function inline(value: unknown): string {
  if (value instanceof Code) {
    return value.expression;
  }
  if (Array.isArray(value)) {
    return `[${value.map(inline).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([property, member]) => `${key(property)}: ${inline(member)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return text(value);
}

function key(property: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(property) ? property : text(property);
}

/** JSON, whose texts are TypeScript's too. */
function text(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`);
}
