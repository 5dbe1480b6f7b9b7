import { existsSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ControlClient, controlClient } from "./control/client";
import { JournalInUseError } from "./lock";
import { isSeedName, type SeedName, seedNames } from "./seed";
import { type RunningTenant, startLocalTenant } from "./server";
import { printed } from "./show";
import { isGuid } from "./values";

interface Seeding {
  seed: SeedName;
  tenant?: string;
}

interface Place {
  data?: string;
  url?: string;
}

/** `mailboxes tenant`: serves, seeds, shows and resets a local tenant. */
export function tenantCommand(): Command {
  const tenant = new Command("tenant").description(
    "a local Microsoft 365 and Dynamics 365 tenant, to try and to test programs against",
  );

  tenant
    .command("serve")
    .description("serve a tenant, and print its http origin and its https origin once it listens")
    .requiredOption("--data <file>", "journal that holds the tenant, made when it does not exist")
    .option(
      "--listen <address>",
      "127.0.0.1:PORT to listen on (default: where the journal was last served, or a free port)",
    )
    .option("--https <address>", "127.0.0.1:PORT to listen on with TLS as well, with the certificate in FILE.pem")
    .option("--lag <ms>", "milliseconds until a service sees what another one wrote", milliseconds)
    .addOption(seedOption("what an empty journal is filled with"))
    .addOption(tenantOption())
    .action(serve);

  withPlace(tenant.command("seed"))
    .description("fill an empty tenant")
    .addOption(seedOption("what it is filled with"))
    .addOption(tenantOption())
    .action(async (place: Place & Seeding) => {
      await at(place, (tenant) => tenant.seed(place.seed, place.tenant));
    });

  withPlace(tenant.command("show"))
    .description("print mailboxes, grants, forward mailboxes, queues and inbox rules")
    .option("--json", "print them as JSON")
    .action(async (place: Place & { json?: true }) => {
      if (place.data !== undefined && !existsSync(place.data)) {
        throw new Error(`There is no journal ${place.data}.`);
      }
      const shown = await at(place, (tenant) => tenant.show());
      process.stdout.write(place.json === true ? `${JSON.stringify(shown, undefined, 2)}\n` : printed(shown));
    });

  withPlace(tenant.command("reset"))
    .description("forget everything and fill the tenant again")
    .addOption(seedOption("what it is filled with"))
    .addOption(tenantOption())
    .action(async (place: Place & Seeding) => {
      await at(place, (tenant) => tenant.reset(place.seed, place.tenant));
    });

  return tenant;
}

function withPlace(command: Command): Command {
  return command
    .addOption(new Option("--data <file>", "journal that holds the tenant").conflicts("url"))
    .addOption(new Option("--url <origin>", "origin of a tenant that is being served"));
}

function seedOption(description: string): Option {
  return new Option("--seed <name>", description).choices(seedNames).default("contoso");
}

function tenantOption(): Option {
  return new Option("--tenant <id>", "Entra id of a tenant that is filled now (default: the seed's)").argParser(
    (text: string) => {
      if (!isGuid(text)) {
        throw new InvalidArgumentError("Expected a GUID.");
      }
      return text.toLowerCase();
    },
  );
}

function milliseconds(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new InvalidArgumentError("Expected a number of milliseconds.");
  }
  return Number(text);
}

async function serve(options: {
  data: string;
  listen?: string;
  https?: string;
  lag?: number;
  seed: string;
  tenant?: string;
}): Promise<void> {
  const { data, listen, https, lag, seed, tenant } = options;
  const running = await startLocalTenant({
    journal: data,
    ...(listen === undefined ? {} : { listen }),
    ...(https === undefined ? {} : { https }),
    ...(lag === undefined ? {} : { lag }),
    ...(isSeedName(seed) ? { seed } : {}),
    ...(tenant === undefined ? {} : { tenantId: tenant }),
  });
  // First: whoever reads the origin may send a signal at once.
  stopOnSignal(running);
  const lines = [running.origin, ...(running.httpsOrigin === undefined ? [] : [running.httpsOrigin])];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function stopOnSignal(running: RunningTenant): void {
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

/** Does something with the tenant at a place: with the process that holds its journal, or one started for the moment. */
async function at<T>(place: Place, work: (tenant: ControlClient) => Promise<T>): Promise<T> {
  if (place.url !== undefined) {
    return await work(controlClient(new URL(place.url).origin));
  }
  if (place.data === undefined) {
    throw new Error("Which tenant? Give --data FILE, or --url ORIGIN of one being served.");
  }
  let running: RunningTenant;
  try {
    running = await startLocalTenant({ journal: place.data });
  } catch (error) {
    if (error instanceof JournalInUseError) {
      return await work(controlClient(error.origin));
    }
    throw error;
  }
  try {
    return await work(controlClient(running.origin));
  } finally {
    await running.close();
  }
}
