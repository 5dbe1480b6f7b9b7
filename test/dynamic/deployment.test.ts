import { openDeployment } from "../../provider/dynamic/deployment";
import { EngineLog } from "../../provider/dynamic/engine-log";
import { isProviderError } from "../../provider/http/errors";

test("a served local tenant that does not answer is named as the setting it comes from, not as a defect", async () => {
  const settings: Record<string, string> = { "mailboxes:localTenant": "http://127.0.0.1:9" };
  const raw = { get: (key: string) => settings[key], keys: Object.keys(settings) };
  const error = await openDeployment(raw, new EngineLog(undefined)).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(isProviderError(error)).toBe(true);
  expect(error).toHaveProperty(
    "message",
    "opening the local tenant that mailboxes:localTenant names: No local tenant answers at http://127.0.0.1:9. " +
      'Start one with "mailboxes tenant serve", or give the path of its journal instead.',
  );
});
