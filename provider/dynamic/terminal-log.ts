import { EngineLog } from "./engine-log";

/** Warnings of a command: they go to standard error, because no engine is there to show them. */
export class TerminalLog extends EngineLog {
  constructor() {
    super(undefined);
  }

  override warn(_urn: string, text: string): void {
    process.stderr.write(`mailboxes: ${text}\n`);
  }
}
