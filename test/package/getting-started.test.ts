import { Walk } from "../pages/walk";

// It installs from a registry, which is asked again where it fails.
jest.setTimeout(900_000);

test("docs/getting-started.md leads from a clone to a changed membership of one's own", async () => {
  const walk = new Walk("docs/getting-started.md");
  try {
    walk.copyClone("pulumi-mailboxes");
    await walk.run("cd pulumi-mailboxes");
    await walk.follow();
    expect(await walk.run("npx mailboxes tenant show --data contoso.jsonl --json")).toContain("grace@contoso.com");
  } finally {
    walk.remove();
  }
});
