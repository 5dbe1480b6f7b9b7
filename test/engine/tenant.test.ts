import { existsSync } from "node:fs";
import { join } from "node:path";
import { createProject, startTenant } from "./harness";

test("a served tenant signs in, answers and is changed through the control interface", async () => {
  const tenant = await startTenant({ https: true });
  try {
    expect(tenant.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(tenant.httpsOrigin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const ada = await tenant.graph("GET", "/users/ada@contoso.com");
    expect(ada).toMatchObject({ userPrincipalName: "ada@contoso.com" });

    await tenant.fault({ service: "graph", answer: { status: 503, body: "later" } });
    await expect(tenant.graph("GET", "/users/ada@contoso.com")).rejects.toThrow("503 later");
    expect(await tenant.counts()).toMatchObject({ byService: { graph: { reads: 2, writes: 0 } } });

    await tenant.settings({ lag: { graph: 1000 } });
    await tenant.patch("users", String(ada.id), { jobTitle: "Countess" });
    await tenant.reset();
    expect(await tenant.requests()).toEqual([]);
  } finally {
    await tenant.remove();
  }
});

test("a local tenant's path counts from the project file, however that is written and wherever `main` leads", async () => {
  const project = await createProject("", { config: { "mailboxes:localTenant": "./contoso.jsonl" } });
  try {
    project.write("Pulumi.yaml", '{ "runtime": "nodejs", "main": "src", "name": "test" }');
    project.write("src/package.json", '{ "main": "index.js" }');
    project.module(
      "src/index",
      `import { SharedMailbox } from "pulumi-mailboxes";
       new SharedMailbox("support", { displayName: "Support", primarySmtpAddress: "support@contoso.com" });`,
    );
    expect(await project.up()).toMatchObject({ exitCode: 0 });
    expect([project.folder, join(project.folder, "src")].map((one) => existsSync(join(one, "contoso.jsonl")))).toEqual([
      true,
      false,
    ]);
  } finally {
    project.remove();
  }
});
