import { readFileSync } from "node:fs";
import { RunError } from "@pulumi/pulumi";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";

const person = z
  .string()
  .regex(/^[^\s@]+(@[^\s@]+)?$/, "write the name before the @, such as ada, or a whole address; no display name");

const teamSchema = z.strictObject({
  /** What people see in Outlook. */
  displayName: z.string().min(1),
  /** Who may read and answer, by the name before the @ in the stack's domain, or by a whole address. */
  people: z.array(person).min(1),
  /** An address that gets a copy of everything. */
  forwardTo: z.email().optional(),
  /** The mailbox was deleted and comes back: with its mail (true), or as a new, empty one (false). */
  restoreDeleted: z.boolean().optional(),
  /** The team goes: its mailbox is no longer protected, so that a later change may take the team out of the file. */
  leaving: z.boolean().optional(),
});

/** One team of the file. */
export type Team = z.output<typeof teamSchema>;

const teamsSchema = z.record(
  z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, "a team is named like the mailbox: small letters, digits, . and -"),
  teamSchema,
);

/** The teams of a YAML file by name. What is wrong with it is told all at once, each with its line and team. */
export function readTeams(file: string): Record<string, Team> {
  const text = readFileSync(file, "utf8");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const at = (offset: number, message: string) => `${file}:${lineCounter.linePos(offset).line}: ${message}`;
  if (document.errors.length > 0) {
    const lines = text.split("\n");
    fail(
      document.errors.map(({ pos: [offset], message }) =>
        at(offset, `${message}: ${lines[lineCounter.linePos(offset).line - 1]?.trim()}`),
      ),
    );
  }
  const { data, error } = teamsSchema.safeParse(document.toJS() ?? {});
  if (error) {
    fail(error.issues.map((issue) => at(startOf(document, pathOf(issue)), messageOf(issue))));
  }
  return data;
}

/** An unknown key is a fault of its own, not of the team around it. */
function pathOf(issue: z.core.$ZodIssue): PropertyKey[] {
  return issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
}

function messageOf(issue: z.core.$ZodIssue): string {
  const [team, ...rest] = issue.path;
  const message = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message;
  return [team, z.core.toDotPath(rest), message].filter((part) => part !== undefined && part !== "").join(": ");
}

/** Where the value at a path stands; for one that is missing, where the value around it does. */
function startOf(document: Document, path: PropertyKey[]): number {
  const node = document.getIn(path, true);
  if (isNode(node) && node.range) {
    return node.range[0];
  }
  return path.length === 0 ? 0 : startOf(document, path.slice(0, -1));
}

function fail(errors: string[]): never {
  // Pulumi shows a RunError without a stack trace.
  throw new RunError(errors.join("\n"));
}
