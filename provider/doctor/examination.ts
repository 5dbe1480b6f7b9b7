import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Configuration } from "../configuration/configuration";
import { proxyNamed, type Service } from "../http/call";
import { wayOf } from "../http/credentials";
import { isProviderError, type ProviderError } from "../http/errors";
import type { Row } from "../http/json";
import {
  Ask,
  type Claims,
  cmdletsOf,
  dataverseVerdict,
  entraRolesOf,
  exchangeVerdict,
  graphVerdict,
  type Reply,
} from "./ask";
import type { Program } from "./doctor";
import {
  appRole,
  type Grant,
  type Place,
  type Profile,
  type Right,
  rightsFor,
  roleGroup,
  securityRole,
  USES,
} from "./rights";

/**
 * What is known of one thing: it is there, it is missing, it could not be asked, or it was left out because something that comes first is
 * missing. `noted` is said and does not count.
 */
export type Standing = "there" | "missing" | "unknown" | "leftOut" | "noted";

/** One thing that was looked at. */
export interface Finding {
  /** Lasting name: the code of a right, or `sign-in`, `reach`, `clock`, … with the service behind a dot. */
  code: string;
  service: Service | "all";
  is: Standing;
  /** What the service calls it. */
  name: string;
  /** What it is for, or what was found. */
  said: string;
  /** What the service said, where it refused or did not answer. */
  words?: string;
  /** What works without it. */
  otherwise?: string;
  /** How to get it. */
  grants?: readonly Grant[];
  /** What to do, where no command does it. */
  nextStep?: string;
  /** Microsoft's page. */
  page?: string;
}

/** What is asked for. */
export interface Wanted {
  profile: Profile;
  /** Only what this program needs. */
  program?: Program;
  /** Codes of rights that the application lacks on purpose. */
  without: readonly string[];
}

/** Difference of clocks that Entra accepts in an assertion, in milliseconds; nobody has shown the number (local tenant: login.clock-skew). */
const MOST_SKEW = 5 * 60_000;
/** From here on a difference is mentioned, in milliseconds. */
const MUCH_SKEW = 60_000;

const APP_ONLY = "https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2";
const SCOPES = "https://learn.microsoft.com/exchange/understanding-management-role-scopes-exchange-2013-help";
const APPLICATION_USERS = "https://learn.microsoft.com/power-platform/admin/manage-application-users";

const CERTIFICATES = "https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials";

const DAY = 86_400_000;
/** A certificate that ends within so many days is worth a word. */
const SOON = 30;

/** When a certificate in PEM ends, in epoch milliseconds; undefined for another file, of which the sign-in says what is wrong. */
function endOf(path: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return undefined;
  }
}

/** Looks at everything that is wanted, and changes nothing. */
export async function examine(configuration: Configuration, wanted: Wanted, signal: AbortSignal): Promise<Finding[]> {
  return new Examination(configuration, wanted, signal).run();
}

class Examination {
  readonly #configuration: Configuration;
  readonly #wanted: Wanted;
  readonly #ask: Ask;
  readonly #rights: readonly Right[];
  readonly #findings: Finding[] = [];
  /** A failure of the sign-in that was told already: it is one object for all services. */
  #toldFailure: unknown;
  /** Role assignments of the application in Exchange, where it may read them. */
  #assignments: readonly Row[] = [];
  /** Id of a mailbox to ask Graph about. */
  #mailbox: string | undefined;

  constructor(configuration: Configuration, wanted: Wanted, signal: AbortSignal) {
    this.#configuration = configuration;
    this.#wanted = wanted;
    this.#ask = new Ask(configuration, signal);
    this.#rights = rightsFor(wanted.profile, wanted.program?.uses ?? USES).filter(
      ({ code }) => !wanted.without.includes(code),
    );
  }

  async run(): Promise<Finding[]> {
    this.#mailbox = this.#wanted.program?.mailboxes[0]?.id;
    this.#credential();
    // One after the other: what Exchange says of a mailbox is what Graph is asked about.
    await this.#exchange();
    await this.#graph();
    for (const environment of this.#environments()) {
      await this.#dataverse(environment);
    }
    this.#clock();
    return this.#findings;
  }

  /** Which credential signs in, and when a certificate ends. */
  #credential(): void {
    const { credential } = this.#configuration;
    const finding = { code: "credential", service: "all", name: "credential" } as const;
    const ends = credential.kind === "certificate" ? endOf(credential.certificatePath) : undefined;
    if (ends === undefined) {
      this.#note({ ...finding, is: "noted", said: wayOf(credential) });
      return;
    }
    const days = Math.floor((ends - Date.now()) / DAY);
    const isOver = days < 0;
    this.#note({
      ...finding,
      is: isOver ? "missing" : "noted",
      said: `${wayOf(credential)}, which ${isOver ? "ended" : "ends"} on ${new Date(ends).toISOString().slice(0, 10)}${isOver ? "" : ` (in ${days} days)`}`,
      ...(days < SOON
        ? { nextStep: "Make a new certificate, and upload it to the application beside this one.", page: CERTIFICATES }
        : {}),
    });
  }

  #of(service: Service): Right[] {
    return this.#rights.filter((right) => right.service === service);
  }

  #note(finding: Finding): void {
    this.#findings.push(finding);
  }

  /** Says what comes first: then nothing more can be known about the service. */
  #stop(finding: Finding & { service: Service }): void {
    this.#note(finding);
    for (const right of this.#of(finding.service)) {
      this.#note({ ...about(right), is: "leftOut" });
    }
  }

  /** Gets a token and says what it holds; undefined where there is none. */
  async #signIn(service: Service, environmentUrl?: string): Promise<Claims | undefined> {
    const name = `sign-in to ${TITLES[service]}${environmentUrl === undefined ? "" : ` (${environmentUrl})`}`;
    const code = `sign-in.${service}`;
    try {
      const claims = await this.#ask.claims(service, environmentUrl);
      const who = claims.isPerson
        ? "as a person, with delegated permissions: in CI an application signs in"
        : `as the application ${claims.applicationName ?? ""} ${claims.appId ?? ""}`.replace(/ +/g, " ").trim();
      const ends = claims.expires === undefined ? "" : `; the token ends at ${timeOf(claims.expires)}`;
      const roles =
        service === "dataverse" || claims.isPerson ? "" : `; app roles: ${claims.roles.join(", ") || "none"}`;
      this.#note({ code, service, is: "there", name, said: `${who}${ends}${roles}` });
      return claims;
    } catch (error) {
      if (!isProviderError(error)) {
        throw error;
      }
      const said = this.#toldFailure === error ? "the same failure as above" : error.message;
      this.#toldFailure = error;
      this.#stop({ code, service, is: "unknown", name, said });
      return undefined;
    }
  }

  #placeOf({ appId, principalId, tenantId }: Claims, environmentUrl?: string): Place {
    const { credential, tenantId: configured } = this.#configuration;
    return {
      tenantId: tenantId ?? configured ?? "TENANT",
      applicationId: appId ?? credential.clientId ?? "APPLICATION",
      principalId: principalId ?? "SERVICE_PRINCIPAL",
      environmentUrl: environmentUrl ?? this.#configuration.environmentUrl ?? "ENVIRONMENT",
    };
  }

  /** Whether the service answered at all; says why not, once. */
  #reached(service: Service, replies: readonly Reply[], environmentUrl?: string): boolean {
    const host = this.#ask.hostOf(service, environmentUrl);
    const code = `reach.${service}`;
    const [first] = replies;
    if (first?.is === "unknown" && replies.every(({ is }) => is === "unknown")) {
      this.#stop({ code, service, is: "unknown", name: host, said: first.error.message });
      return false;
    }
    const proxy = host.startsWith("https:") ? proxyNamed() : undefined;
    const way =
      proxy === undefined ? "" : `, by way of the proxy ${proxy} of HTTPS_PROXY unless NO_PROXY names the host`;
    this.#note({ code, service, is: "there", name: host, said: `answers${way}` });
    return true;
  }

  async #exchange(): Promise<void> {
    const rights = this.#of("exchange");
    if (rights.length === 0) {
      return;
    }
    const claims = await this.#signIn("exchange");
    if (claims === undefined) {
      return;
    }
    const place = this.#placeOf(claims);
    if (!claims.isPerson && !claims.roles.includes("Exchange.ManageAsApp")) {
      this.#stop({
        code: "exchange-application",
        service: "exchange",
        is: "missing",
        name: "Exchange.ManageAsApp",
        said: "any call to Exchange: an app role of Office 365 Exchange Online, with admin consent",
        grants: [appRole("Exchange.ManageAsApp", "exchange", place)],
        page: APP_ONLY,
      });
      return;
    }
    // Several rights have a question in common.
    const questions = new Map(rights.flatMap(cmdletsOf).map((question) => [JSON.stringify(question), question]));
    const replies = new Map(
      await Promise.all(
        [...questions].map(async ([key, one]) => [key, await this.#ask.cmdlet(one, place.tenantId)] as const),
      ),
    );
    const all = [...replies.values()];
    if (!this.#reached("exchange", all)) {
      return;
    }
    const [first] = all;
    if (first?.is === "refused" && all.every(({ is }) => is === "refused")) {
      const roles = rights.flatMap(({ holding }) => (holding.in === "exchange" ? [holding.role] : []));
      this.#stop({
        code: "exchange-role",
        service: "exchange",
        is: "missing",
        name: "a role in Exchange",
        said: "any call to Exchange: a role group of Exchange, or an Entra role, for the service principal",
        words: first.error.message,
        grants: [roleGroup(roles, place)],
        page: APP_ONLY,
      });
      return;
    }
    for (const right of rights) {
      this.#note({ ...about(right), ...exchangeVerdict(right, replies, place) });
    }
    const mailbox = all.flatMap((reply) => (reply.is === "answered" ? reply.rows : []));
    this.#mailbox ??= mailbox
      .filter(
        ({ RecipientTypeDetails }) =>
          RecipientTypeDetails === "UserMailbox" || RecipientTypeDetails === "SharedMailbox",
      )
      .map(({ ExternalDirectoryObjectId }) => ExternalDirectoryObjectId)
      .find((id): id is string => typeof id === "string" && id !== "");
    await this.#scope(claims, place);
  }

  /** Whom the application's writes reach: its role assignments say so, where it may read them. */
  async #scope({ directoryRoles }: Claims, place: Place): Promise<void> {
    const finding = { code: "exchange-scope", service: "exchange", name: "write scope" } as const;
    if (this.#wanted.profile === "preview") {
      return;
    }
    const asked = await this.#ask.cmdlet(
      { cmdlet: "Get-ManagementRoleAssignment", parameters: { RoleAssignee: place.principalId } },
      place.tenantId,
    );
    const entra = entraRolesOf(directoryRoles);
    if (asked.is !== "answered" || asked.rows.length === 0) {
      this.#note({
        ...finding,
        is: "noted",
        ...(entra.length > 0
          ? { said: `the whole organisation, by the Entra role ${entra.join(", ")}` }
          : asked.is === "answered"
            ? { said: "not known: Exchange names no role assignment of this application" }
            : asked.is === "refused"
              ? {
                  said: "not asked: the application may not read its role assignments (Get-ManagementRoleAssignment, in View-Only Configuration)",
                }
              : { is: "unknown", said: "whom the application's writes reach", words: asked.error.message }),
      });
      return;
    }
    this.#assignments = asked.rows;
    const narrow = asked.rows.filter(({ RecipientWriteScope }) =>
      /^Custom|^Exclusive/i.test(String(RecipientWriteScope)),
    );
    if (narrow.length === 0) {
      this.#note({ ...finding, is: "noted", said: "the whole organisation" });
      return;
    }
    const scopes = [...new Set(narrow.map(({ CustomRecipientWriteScope }) => String(CustomRecipientWriteScope)))];
    const named = `the recipients of the management scope ${scopes.join(", ")}`;
    const outside = await this.#outside(place);
    if (outside.unknown !== undefined) {
      this.#note({ ...finding, is: "unknown", said: named, words: outside.unknown.message });
      return;
    }
    if (outside.addresses.length === 0) {
      const isOfProgram = (this.#wanted.program?.mailboxes.length ?? 0) > 0;
      const all = isOfProgram ? "; all mailboxes of the program are inside" : "";
      this.#note({ ...finding, is: "noted", said: `${named}${all}` });
      return;
    }
    this.#note({
      ...finding,
      is: "missing",
      said: `${named}; outside of it: ${outside.addresses.join(", ")}`,
      grants: [
        {
          tool: "Exchange Online PowerShell",
          lines: scopes.map(
            (scope) => `Set-ManagementScope "${scope}" -RecipientRestrictionFilter "<a filter with these mailboxes>"`,
          ),
        },
      ],
      page: SCOPES,
    });
  }

  /** The program's mailboxes that no role assignment lets the application change. */
  async #outside(place: Place): Promise<{ addresses: string[]; unknown?: ProviderError }> {
    const addresses: string[] = [];
    for (const { id, address } of this.#wanted.program?.mailboxes ?? []) {
      const reply = await this.#ask.cmdlet(
        {
          cmdlet: "Get-ManagementRoleAssignment",
          parameters: { RoleAssignee: place.principalId, WritableRecipient: id },
        },
        place.tenantId,
      );
      if (reply.is !== "answered") {
        return { addresses, unknown: reply.error };
      }
      // No rows either where the mailbox is gone: then there is nothing to change.
      if (reply.rows.length === 0 && reply.body.value !== undefined) {
        addresses.push(address);
      }
    }
    return { addresses };
  }

  async #graph(): Promise<void> {
    const rights = this.#of("graph");
    if (rights.length === 0) {
      return;
    }
    const claims = await this.#signIn("graph");
    if (claims === undefined) {
      return;
    }
    const place = this.#placeOf(claims);
    const questions = rights.map(({ holding }) => this.#questionOf(holding));
    // Somebody has to be asked, so that it is known whether Graph can be reached.
    const asked = await Promise.all(questions.map((path) => (path === undefined ? undefined : this.#ask.graph(path))));
    const replies = asked.filter((reply) => reply !== undefined);
    if (!this.#reached("graph", replies.length > 0 ? replies : [await this.#ask.graph("/organization?$select=id")])) {
      return;
    }
    for (const [index, right] of rights.entries()) {
      this.#note({ ...about(right), ...graphVerdict(right, asked[index], claims, this.#assignments, place) });
    }
  }

  #questionOf(holding: Right["holding"]): string | undefined {
    const question = holding.in === "token" ? holding.question : undefined;
    return question?.includes("MAILBOX") === true
      ? this.#mailbox === undefined
        ? undefined
        : question.replace("MAILBOX", this.#mailbox)
      : question;
  }

  /** The environments to ask: undefined is the configured one. */
  #environments(): (string | undefined)[] {
    const { program } = this.#wanted;
    if (this.#of("dataverse").length === 0) {
      return [];
    }
    const isNeeded = program === undefined || program.needsEnvironment;
    const { environmentUrl, localTenant } = this.#configuration;
    if (isNeeded && environmentUrl === undefined) {
      this.#note({
        code: "dataverse-environment",
        service: "dataverse",
        is: program === undefined ? "noted" : "missing",
        name: "a Dataverse environment",
        said: "not asked: none is configured",
        nextStep: "Set `mailboxes:environmentUrl` (or DATAVERSE_URL) to one like https://org.crm4.dynamics.com.",
      });
    }
    // A local tenant has one environment, and an address in the program does not lead out of it.
    const own = localTenant === undefined ? (program?.environments ?? []) : [];
    return [...(isNeeded && environmentUrl !== undefined ? [undefined] : []), ...own];
  }

  async #dataverse(environment: string | undefined): Promise<void> {
    const rights = this.#of("dataverse");
    const claims = await this.#signIn("dataverse", environment);
    if (claims === undefined) {
      return;
    }
    const place = this.#placeOf(claims, environment);
    const who = await this.#ask.dataverse("/WhoAmI", environment);
    if (!this.#reached("dataverse", [who], environment)) {
      return;
    }
    if (who.is === "refused") {
      this.#stop({
        code: "dataverse-user",
        service: "dataverse",
        is: "missing",
        name: "an application user",
        said: "any call to Dynamics 365: the application as a user of the environment",
        words: who.error.message,
        grants: [securityRole(this.#wanted.profile === "preview" ? "Basic User" : "System Administrator", place)],
        page: APPLICATION_USERS,
      });
      return;
    }
    const user = `/systemusers(${who.is === "answered" ? String(who.body.UserId) : ""})`;
    const [privileges, roles] = await Promise.all([
      this.#ask.dataverse(`${user}/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`, environment),
      this.#ask.dataverse(`${user}/systemuserroles_association?$select=name`, environment),
    ]);
    for (const right of rights) {
      this.#note({ ...about(right), ...dataverseVerdict(right, privileges, roles, claims, place) });
    }
  }

  /** Compares this machine's clock with those of the services that answered. */
  #clock(): void {
    const [furthest = 0] = [...this.#ask.skews.values()].sort((a, b) => Math.abs(b) - Math.abs(a));
    if (this.#ask.skews.size === 0) {
      return;
    }
    const seconds = Math.round(Math.abs(furthest) / 1000);
    const difference =
      Math.abs(furthest) < MUCH_SKEW
        ? "agrees with the services to a minute"
        : `is ${Math.floor(seconds / 60)} min ${seconds % 60} s ${furthest > 0 ? "behind" : "ahead of"} the services`;
    const isWrong = Math.abs(furthest) > MOST_SKEW;
    this.#note({
      code: "clock",
      service: "all",
      is: isWrong ? "missing" : Math.abs(furthest) < MUCH_SKEW ? "there" : "noted",
      name: "this machine's clock",
      said: difference,
      ...(isWrong
        ? {
            nextStep:
              "Set the clock by a time server. Certificates and tokens of CI systems are refused with a wrong one (AADSTS700024).",
          }
        : {}),
    });
  }
}

const TITLES: Readonly<Record<Service, string>> = {
  exchange: "Exchange Online",
  graph: "Microsoft Graph",
  dataverse: "Dataverse",
};

/** What is said of a right, whatever came of it. */
function about({ code, service, name, purpose, otherwise, page }: Right): Omit<Finding, "is"> {
  return { code, service, name, said: purpose, page, ...(otherwise === undefined ? {} : { otherwise }) };
}

function timeOf(milliseconds: number): string {
  const minutes = Math.round((milliseconds - Date.now()) / 60_000);
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC (in ${minutes} min)`;
}
