import { createServer } from "node:net";
import type { TenantClient } from "../../scripts/tenant-client.cjs";
import { Walk } from "../pages/walk";
import { startTenant, type TenantOptions } from "./tenant";

// A page is several runs of the CLI.
jest.setTimeout(900_000);

let walk: Walk;
afterEach(() => walk.remove());

/** A page's way of beginning: a project of one's own with a stack, in which the package is installed. */
async function ownProject(name: string): Promise<void> {
  walk.write("Pulumi.yaml", JSON.stringify({ name, runtime: "nodejs" }));
  walk.write("package.json", JSON.stringify({ name, private: true, main: "index.ts" }));
  walk.linkPackages();
  await walk.run("export PULUMI_BACKEND_URL=file://. PULUMI_CONFIG_PASSPHRASE=; pulumi stack init dev");
}

test("docs/gitops.md: from a file with two teams to a mailbox that may not go", async () => {
  walk = new Walk("docs/gitops.md", { isLean: true });
  walk.copyClone(".");
  await walk.follow(async ({ text }) => {
    if (text.includes("--expect-no-changes --diff")) {
      const prod = { journal: `${walk.folder}/.tenant/prod.jsonl`, tenantId: "fab12ca0-a000-4000-8000-00000000fab1" };
      await byHand(prod, async (tenant) => {
        const Identity = "audit@contoso.com";
        await tenant.exchange("Add-MailboxPermission", {
          Identity,
          User: "radia@contoso.com",
          AccessRights: ["FullAccess"],
        });
      });
    }
  });
});

test("docs/import.md: a tenant, and one mailbox by hand", async () => {
  walk = new Walk("docs/import.md", { isLean: true });
  await ownProject("contoso-mail");
  await walk.run("pulumi config set mailboxes:localTenant contoso.jsonl");
  await byHand({ journal: `${walk.folder}/contoso.jsonl` }, async (tenant) => {
    const [info] = await tenant.exchange("New-Mailbox", {
      Shared: true,
      Name: "info",
      DisplayName: "Contoso Info",
      Alias: "info",
      PrimarySmtpAddress: "info@contoso.com",
    });
    const id = String(info?.ExternalDirectoryObjectId);
    await tenant.graph("PATCH", `/users/${id}`, { accountEnabled: true });
    await tenant.exchange("Add-MailboxPermission", {
      Identity: id,
      User: "ada@contoso.com",
      AccessRights: ["FullAccess"],
    });
    walk.replace("78d262f7-6422-4bc3-95c4-30a95f5e6cf6", id);
  });
  await walk.follow(async ({ verb, object }) => {
    if (verb === "file" && object === "index.ts") {
      await walk.run("pulumi stack init prod; pulumi config set mailboxes:localTenant contoso.jsonl");
    }
  });
});

test("docs/local-tenant.md: its commands and its control interface", async () => {
  walk = new Walk("docs/local-tenant.md", { isLean: true });
  walk.linkPackages();
  walk.replace("127.0.0.1:8800", `127.0.0.1:${await freePort()}`);
  await walk.follow();
});

test("docs/tenants.md: a second tenant", async () => {
  walk = new Walk("docs/tenants.md", { isLean: true });
  await ownProject("contoso-mail");
  await walk.follow();
});

test("examples/support-desk/README.md: as a newcomer runs it", async () => {
  walk = new Walk("examples/support-desk/README.md", { isLean: true });
  walk.copyClone(".");
  await walk.follow();
});

/** Works in a tenant behind the program's back, as people and their tools do. */
async function byHand(options: TenantOptions, work: (tenant: TenantClient) => Promise<void>): Promise<void> {
  const tenant = await startTenant(options);
  try {
    await work(tenant);
  } finally {
    await tenant.stop();
  }
}

/** A port that nobody listens on, and none of those that systems give out by themselves: other tests ask for such ones meanwhile. */
async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}
