import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this clone. */
export const clone = dirname(dirname(fileURLToPath(import.meta.url)));

/** Writes one line about the progress of the set-up. It goes to stderr: stdout belongs to the command the set-up is for. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Seconds since `start` (from `Date.now()`) as `7 s` or `2 min 05 s`. */
export function since(start) {
  const seconds = Math.round((Date.now() - start) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/**
 * Runs a command with the terminal as its own and answers with its exit code. An interrupt of the user reaches the command too;
 * this process waits for the command to end by itself.
 */
export function run(command, args, options = {}) {
  const wait = () => {};
  const signals = ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    process.on(signal, wait);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", ...options });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const name of signals) {
        process.off(name, wait);
      }
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

/** Runs a command quietly and answers with its exit code and what it wrote; `onLine` sees every line as it comes. */
export function capture(command, args, { onLine = () => {}, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let stdout = "";
    let stderr = "";
    let pending = "";
    const read = (text) => {
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      lines.forEach(onLine);
    };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      read(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
      read(text);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
