import { startTenant } from "./harness";

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
