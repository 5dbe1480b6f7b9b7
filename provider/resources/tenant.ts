import * as pulumi from "@pulumi/pulumi";

/** Configuration of one Entra tenant; each property is the configuration key `mailboxes:<name>` of the same meaning. */
export interface TenantArgs {
  /** Path of a local tenant's journal, or the `http://127.0.0.1:PORT` of one being served. Default: the stack's. */
  localTenant?: pulumi.Input<string | undefined>;
  /** Entra tenant id. */
  tenantId?: pulumi.Input<string | undefined>;
  /** Application (client) id. */
  clientId?: pulumi.Input<string | undefined>;
  /** Secret of the application; kept encrypted in state. */
  clientSecret?: pulumi.Input<string | undefined>;
  /** Path of a PEM or PFX file with the application's certificate and key, counted from Pulumi.yaml. */
  clientCertificatePath?: pulumi.Input<string | undefined>;
  /** Password of that file; kept encrypted in state. */
  clientCertificatePassword?: pulumi.Input<string | undefined>;
  /** Sign in with a federated token of the CI system. */
  useOidc?: pulumi.Input<boolean | undefined>;
  /** File that holds such a token, counted from Pulumi.yaml. */
  oidcTokenFilePath?: pulumi.Input<string | undefined>;
  /** Hosts in place of Microsoft's: a proxy, or a served local tenant. Default: the stack's. */
  endpoints?: pulumi.Input<
    | {
        login?: pulumi.Input<string | undefined>;
        graph?: pulumi.Input<string | undefined>;
        exchange?: pulumi.Input<string | undefined>;
      }
    | undefined
  >;
  /** The Dataverse environment, e.g. `https://org.crm4.dynamics.com`. */
  environmentUrl?: pulumi.Input<string | undefined>;
  /** `public` (default), `usgovernment`, `usgovernmentdod` or `china`. */
  cloud?: pulumi.Input<"public" | "usgovernment" | "usgovernmentdod" | "china" | undefined>;
  /** Longest wait for a write to become visible, e.g. `"10m"`. Default: the stack's. */
  settleTimeout?: pulumi.Input<string | number | undefined>;
  /** Ceiling for requests in flight to Exchange. Default: the stack's. */
  maxConcurrency?: pulumi.Input<number | undefined>;
  /** Mailboxes one deployment may delete or leave without their members. Default: the stack's, else 5 (3 on one core). */
  maxMailboxDeletes?: pulumi.Input<number | undefined>;
}

/** Keys that a tenant of its own takes over from the stack, or a local run could reach the real cloud. */
const INHERITED = ["localTenant", "endpoints", "settleTimeout", "maxConcurrency", "maxMailboxDeletes"] as const;
const SECRETS = ["clientSecret", "clientCertificatePassword"];

/**
 * An explicit provider: a second Entra tenant in one program, passed to resources as `{ provider: fabrikam }`. It runs in a process of its own.
 *
 * @example
 * const fabrikam = new Tenant("fabrikam", { tenantId: "…", clientId: "…", clientSecret: config.requireSecret("fabrikamSecret") });
 * new SharedMailbox("info", { displayName: "Info", primarySmtpAddress: "info@fabrikam.example" }, { provider: fabrikam });
 */
export class Tenant extends pulumi.ProviderResource {
  /**
   * Configures a tenant.
   *
   * @param name logical name in the stack.
   * @param args its configuration; what is not given comes from the environment, as for the stack's own tenant.
   * @param options Pulumi's resource options.
   */
  constructor(name: string, args: TenantArgs = {}, options?: pulumi.ResourceOptions) {
    const inputs = configuration(args);
    const restore = skipOneFrameMore();
    try {
      super("pulumi-nodejs", name, inputs, options);
    } finally {
      restore();
    }
  }
}

/** The part of the SDK's `Resource` that finds the line of the program, where the installed release has it. */
interface FrameCounter {
  stackTrace?: (skip: number) => unknown;
}

/**
 * Lets the SDK look for the line of the program (`sourcePosition`) one frame further up. It takes the caller of the third constructor for it,
 * and a provider has four: `ProviderResource` stands between. Where a release of the SDK does it in another way, nothing changes.
 *
 * @returns puts back what was there.
 */
function skipOneFrameMore(): () => void {
  const sdk = pulumi.Resource as unknown as FrameCounter;
  const { stackTrace } = sdk;
  if (typeof stackTrace !== "function") {
    return () => undefined;
  }
  // This function is a frame itself.
  sdk.stackTrace = (skip) => stackTrace.call(sdk, skip + 2);
  return () => {
    sdk.stackTrace = stackTrace;
  };
}

function configuration(args: TenantArgs): pulumi.Inputs {
  const stack = new pulumi.Config("mailboxes");
  const inherited: Record<string, string | undefined> = Object.fromEntries(
    INHERITED.map((key) => [key, stack.get(key)]),
  );
  const given = Object.entries({ ...inherited, ...withoutUndefined(args) }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => {
      // An output that turns out undefined is left out as well: what stands for it is the stack's value, not Microsoft's tenant.
      const text = pulumi
        .output(value as pulumi.Input<string | undefined>)
        .apply((known) => textOf(known ?? inherited[key]));
      return [`mailboxes:${key}`, SECRETS.includes(key) ? pulumi.secret(text) : text];
    }),
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || value === undefined ? value : JSON.stringify(value);
}

function withoutUndefined(args: TenantArgs): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
