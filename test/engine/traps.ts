/** What the tests of traps share: looking into the tenant as any client would, and at what a run said. */
import type { Project, ResourceState, Run, ServedTenant, Step } from "./harness";

/** The beginning of every program here. */
export const imports = `
import * as pulumi from "@pulumi/pulumi";
import { ForwardingMailbox, MailboxMembership, SharedMailbox, Tenant } from "pulumi-mailboxes";
`;

/** A shared mailbox as Exchange shows it, in the properties that the tests compare. */
export interface MailboxRow {
  ExternalDirectoryObjectId: string;
  PrimarySmtpAddress: string;
  DisplayName: string;
  Alias: string;
  UserPrincipalName: string;
}

/** The tenant's shared mailboxes, by primary address. */
export async function sharedMailboxes(tenant: ServedTenant): Promise<MailboxRow[]> {
  const rows = await tenant.exchange("Get-Mailbox", { RecipientTypeDetails: "SharedMailbox", ResultSize: "Unlimited" });
  return (rows as unknown as MailboxRow[]).sort((a, b) => a.PrimarySmtpAddress.localeCompare(b.PrimarySmtpAddress));
}

/** Primary addresses of the tenant's shared mailboxes, sorted. */
export async function sharedAddresses(tenant: ServedTenant): Promise<string[]> {
  return (await sharedMailboxes(tenant)).map(({ PrimarySmtpAddress }) => PrimarySmtpAddress);
}

/** Sign-in names of those with Full Access and with Send As on a mailbox, SELF and inherited rows left out, sorted. */
export async function access(
  tenant: ServedTenant,
  mailbox: string,
): Promise<{ fullAccess: string[]; sendAs: string[] }> {
  const [full, sending] = await Promise.all([
    tenant.exchange("Get-MailboxPermission", { Identity: mailbox }),
    tenant.exchange("Get-RecipientPermission", { Identity: mailbox }),
  ]);
  const people = (rows: Record<string, unknown>[], name: string) =>
    rows
      .filter((row) => row.IsInherited !== true)
      .map((row) => String(row[name]))
      .filter((who) => !who.includes("SELF"))
      .sort();
  return { fullAccess: people(full, "User"), sendAs: people(sending, "Trustee") };
}

/** Both rights for the same people. */
export function both(...people: string[]): { fullAccess: string[]; sendAs: string[] } {
  return { fullAccess: people, sendAs: people };
}

/** What was written since the log was last cleared: cmdlets, or methods and paths. */
export async function writes(tenant: ServedTenant): Promise<string[]> {
  return (await tenant.requests({ writes: "true" })).flatMap(({ inner, cmdlet, method, path }) =>
    inner === undefined
      ? [cmdlet ?? `${method} ${path}`]
      : inner.filter(({ isWrite }) => isWrite).map((one) => one.cmdlet ?? `${one.method} ${one.path}`),
  );
}

/** Steps as `op name`, sorted. */
export function spelled(steps: Step[]): string[] {
  return steps.map(({ op, name }) => `${op} ${name}`).sort();
}

/** Messages of severity error, the engine's own summary lines left out. */
export function errors(run: Run): string[] {
  return run.diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message.trim())
    .filter((message) => !/^(update|preview|refresh|destroy|deletion) failed$/i.test(message));
}

/** Every resource of ours in the state, by logical name. */
export async function resources(project: Project, stack?: string): Promise<Record<string, ResourceState>> {
  const { deployment } = await project.exportState(stack);
  return Object.fromEntries(
    (deployment.resources ?? [])
      .filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/mailboxes:"))
      .map((resource) => [resource.urn.split("::").at(-1) ?? "", resource]),
  );
}
