import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { createServer as createTls } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { seedId } from "../../provider/local-tenant/seed/contoso";
import { finished, runNode, secret, tenantId } from "../local-tenant/core";
import { startWorld } from "./harness";

const HOSTS = [
  "login.microsoftonline.com",
  "graph.microsoft.com",
  "outlook.office365.com",
  "contoso.crm4.dynamics.com",
] as const;

const cli = join(__dirname, "..", "..", "provider", "cli.ts");
const closing: (() => void)[] = [];
let folder: string;
let environment: Record<string, string>;

/** Listens on a free port until the tests are over. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  closing.push(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A proxy that leads every tunnel to `port`, or refuses it. */
function startProxy(port: number, hosts: Set<string>, refused = /^$/): Promise<number> {
  const proxy = createServer();
  proxy.on("connect", (asked, client: Socket) => {
    hosts.add(asked.url ?? "");
    if (refused.test(asked.url ?? "")) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const service = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      service.pipe(client);
      client.pipe(service);
    });
    closing.push(() => service.destroy());
    for (const socket of [service, client]) {
      socket.on("error", () => undefined);
    }
  });
  return listening(proxy);
}

/** Microsoft's hosts, played by a local tenant behind a certificate with their names. */
async function startMicrosoft(origin: string): Promise<number> {
  const { cert, private: key } = await generate([{ name: "commonName", value: HOSTS[0] }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: HOSTS.map((value) => ({ type: 2, value })) },
    ],
  });
  writeFileSync(join(folder, "microsoft.pem"), cert);
  const { port } = new URL(origin);
  return listening(
    createTls({ key, cert }, (asked, answer) => {
      const { method, url, headers } = asked;
      const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(answer);
      });
      asked.pipe(passed);
    }) as unknown as Server,
  );
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-proxy-"));
  environment = {
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: seedId("tenant", 2),
    AZURE_CLIENT_SECRET: secret,
    DATAVERSE_URL: "https://contoso.crm4.dynamics.com",
    NODE_EXTRA_CA_CERTS: join(folder, "microsoft.pem"),
    NO_PROXY: "",
  };
});

afterAll(() => {
  for (const close of closing) {
    close();
  }
  rmSync(folder, { recursive: true, force: true });
});

test("everything is asked by way of the proxy of HTTPS_PROXY, and the doctor names it", async () => {
  const world = await startWorld();
  const hosts = new Set<string>();
  const proxy = await startProxy(await startMicrosoft(world.origin), hosts);
  const HTTPS_PROXY = `http://user:proxy-password@127.0.0.1:${proxy}`;
  const { code, stdout, stderr } = await finished(runNode([cli, "doctor"], { ...environment, HTTPS_PROXY }, folder));
  expect([stderr, code]).toEqual(["", 0]);
  expect([...hosts].sort()).toEqual(HOSTS.map((host) => `${host}:443`).sort());
  expect(stdout).toContain(
    `  ok         https://graph.microsoft.com: answers, by way of the proxy 127.0.0.1:${proxy} of HTTPS_PROXY unless NO_PROXY names the host`,
  );
  expect(stdout).toContain("credential: a client secret");
  expect(stdout).not.toMatch(/proxy-password|local-tenant-secret/);
});

test("an address of the proxy that is not a URL is named", async () => {
  const { code, stdout } = await finished(runNode([cli, "doctor"], { ...environment, HTTPS_PROXY: "proxy" }, folder));
  expect(code).toBe(2);
  expect(stdout).toMatch(
    /NOT KNOWN {2}sign-in to Exchange Online: .*, through an address that is not a URL of HTTPS_PROXY\?/,
  );
});

test("a proxy that refuses is not taken for a service that does", async () => {
  const world = await startWorld();
  const port = await startProxy(await startMicrosoft(world.origin), new Set(), /^outlook/);
  const { code, stdout } = await finished(
    runNode(
      [cli, "doctor", "--program", programFile()],
      { ...environment, HTTPS_PROXY: `http://127.0.0.1:${port}` },
      folder,
    ),
  );
  expect(code).toBe(2);
  expect(stdout).toContain("outlook.office365.com cannot be reached (the proxy answered 407)");
  expect(stdout).toContain(`HTTPS_PROXY leads through 127.0.0.1:${port}`);
  expect(stdout).not.toContain("MISSING");
});

test("a certificate that ends soon is told, whatever the sign-in says", async () => {
  const world = await startWorld();
  const port = await startProxy(await startMicrosoft(world.origin), new Set());
  const ends = new Date(Date.now() + 10 * 86_400_000);
  const made = await generate([{ name: "commonName", value: "deployment" }], { keySize: 2048, notAfterDate: ends });
  const file = join(folder, "application.pem");
  writeFileSync(file, `${made.private}\n${made.cert}`);
  const { AZURE_CLIENT_SECRET: _, ...others } = environment;
  const env = { ...others, AZURE_CLIENT_CERTIFICATE_PATH: file, HTTPS_PROXY: `http://127.0.0.1:${port}` };
  const { code, stdout } = await finished(runNode([cli, "doctor"], env, folder));
  expect(code).toBe(2);
  expect(stdout).toMatch(
    /note +credential: a client certificate, which ends on \d{4}-\d\d-\d\d \(in (9|10) days\)\n +Make a new certificate/,
  );
  expect(stdout).toMatch(/NOT KNOWN +sign-in to Exchange Online: .*AADSTS/);
});

test("the environments that resources name are asked, and one that nobody names is missed", async () => {
  const world = await startWorld();
  const port = await startProxy(await startMicrosoft(world.origin), new Set());
  const { DATAVERSE_URL: own, ...others } = environment;
  const asked = async (inputs: object) => {
    const file = programFile("Queue", { approveEmail: false, ...inputs });
    const env = { ...others, HTTPS_PROXY: `http://127.0.0.1:${port}` };
    return finished(runNode([cli, "doctor", "--for", "preview", "--program", file], env, folder));
  };
  const named = await asked({ environmentUrl: own });
  expect(named.code).toBe(0);
  expect(named.stdout).toContain(
    `ok         sign-in to Dataverse (${own}): as the application Contoso Mailbox Deployment`,
  );
  expect(named.stdout).toContain("ok         read on User, Team and Queue");
  const missed = await asked({});
  expect(missed.code).toBe(1);
  expect(missed.stdout).toContain("MISSING    a Dataverse environment: not asked: none is configured");
  expect(missed.stdout).toContain("Set `mailboxes:environmentUrl` (or DATAVERSE_URL)");
});

function programFile(kind = "MailboxMembership", inputs: object = {}): string {
  const file = join(folder, `${kind}.json`);
  const type = `pulumi-nodejs:dynamic/mailboxes:${kind}`;
  const resources = [{ type, urn: `urn:pulumi:dev::desk::${type}::one`, id: "x", inputs }];
  writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources } }));
  return file;
}
