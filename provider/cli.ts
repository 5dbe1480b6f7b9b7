#!/usr/bin/env node
import { Command } from "commander";
import { acceptanceCommand } from "./acceptance/command";
import { accessCommand } from "./access/command";
import { doctorCommand } from "./doctor/command";
import { importFileCommand } from "./import-file/command";
import { leaverCommand } from "./leaver/command";
import { tenantCommand } from "./local-tenant/command";
import { reviewCommand } from "./review/command";

/** The command line of the package: `mailboxes`. */
async function main(): Promise<void> {
  const program = new Command("mailboxes")
    .description("look at access, review previews, import a tenant, and try programs on a local one")
    .addCommand(acceptanceCommand())
    .addCommand(accessCommand())
    .addCommand(doctorCommand())
    .addCommand(importFileCommand())
    .addCommand(leaverCommand())
    .addCommand(reviewCommand())
    .addCommand(tenantCommand());
  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`mailboxes: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
