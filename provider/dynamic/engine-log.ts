import { createRequire } from "node:module";
import { connect } from "node:net";
import type * as Grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { redact } from "../http/redact";

// The engine's client must get its credentials from the very copy of gRPC that Pulumi's SDK uses.
const grpc: typeof Grpc = createRequire(require.resolve("@pulumi/pulumi/package.json"))("@grpc/grpc-js");

/** How long an operation runs before it shows its progress, in milliseconds. */
const QUIET = 5_000;
/** How often to check whether the engine is there, in milliseconds. */
const WATCH = 2_000;

/**
 * Thins out the progress of one operation. Nothing is shown in the first five seconds; then each new text, and an old one again at
 * doubling intervals, because in CI every line stays.
 *
 * @param say shows a line.
 * @param now the clock, in milliseconds.
 */
export function paced(say: (text: string) => void, now: () => number = Date.now): (text: string) => void {
  const started = now();
  let last = "";
  let again = 0;
  let interval = QUIET;
  return (text) => {
    const time = now();
    if (time - started < QUIET || (text === last && time < again)) {
      return;
    }
    interval = text === last ? interval * 2 : QUIET;
    again = time + interval;
    last = text;
    say(`${text} (${Math.round((time - started) / 1000)} s)`);
  };
}

/** The user's terminal, by way of the engine: lines in the row of the resource they are about. */
export class EngineLog {
  readonly #address: string | undefined;
  readonly #client: EngineClient | undefined;
  readonly #warned = new Set<string>();

  /** @param address `host:port` of the engine, as it stands in the arguments of the provider process. */
  constructor(address: string | undefined) {
    this.#address = address !== undefined && /^[^\s:]+:\d+$/.test(address) ? address : undefined;
    this.#client =
      this.#address === undefined ? undefined : new EngineClient(this.#address, grpc.credentials.createInsecure());
  }

  /** A warning that stays in the log of the deployment; said once, though a replacement is checked twice. */
  warn(urn: string, text: string): void {
    const key = `${urn} ${text}`;
    if (!this.#warned.has(key)) {
      this.#warned.add(key);
      this.#send(urn, text, LogSeverity.WARNING, false);
    }
  }

  /** Progress of one operation, paced: see {@link paced}. */
  progress(urn: string): (text: string) => void {
    return paced((text) => this.#send(urn, text, LogSeverity.INFO, true));
  }

  /** Calls back once the engine is gone: a killed command leaves the provider process behind. */
  whenGone(call: () => void): void {
    if (this.#address === undefined) {
      return;
    }
    const timer = setInterval(async () => {
      if (!(await this.isEngineThere())) {
        clearInterval(timer);
        call();
      }
    }, WATCH);
    timer.unref();
  }

  /** Whether the engine still listens. Outside of a deployment, where there is none, true. */
  isEngineThere(): Promise<boolean> {
    const [host, port] = this.#address?.split(":") ?? [];
    if (host === undefined) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const socket = connect({ host, port: Number(port) });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }

  #send(urn: string, text: string, severity: 0 | 1 | 2 | 3, isEphemeral: boolean): void {
    const request = new LogRequest();
    request.setUrn(urn);
    request.setMessage(redact(text));
    request.setSeverity(severity);
    request.setEphemeral(isEphemeral);
    // A line that cannot be shown is no reason to fail.
    this.#client?.log(request, () => undefined);
  }
}
