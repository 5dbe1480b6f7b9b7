import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const CIPHER = "aes-256-gcm";
const PREFIX = "vault:v1:";

/**
 * The transit engine of a HashiCorp Vault as far as Pulumi's secrets provider `hashivault://` asks it: it encrypts and decrypts the key
 * of a stack. A deployment with a passphrase spends a quarter of a second of processor time on making that key of it.
 *
 * @returns the address, and how it ends.
 */
export async function startVault() {
  const key = randomBytes(32);
  const transit = {
    encrypt({ plaintext }) {
      const iv = randomBytes(12);
      const cipher = createCipheriv(CIPHER, key, iv);
      const sealed = Buffer.concat([cipher.update(plaintext, "base64"), cipher.final()]);
      return { ciphertext: PREFIX + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64") };
    },
    decrypt({ ciphertext }) {
      const bytes = Buffer.from(ciphertext.slice(PREFIX.length), "base64");
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(12, 28));
      return { plaintext: Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("base64") };
    },
  };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const [, work] = /^\/v1\/transit\/(encrypt|decrypt)\/\w+$/.exec(request.url) ?? [];
      const answer = (status, body) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      try {
        return work === undefined
          ? answer(404, { errors: [`no handler for route "${request.url}"`] })
          : answer(200, { data: transit[work](JSON.parse(Buffer.concat(chunks).toString("utf8"))) });
      } catch (error) {
        return answer(400, { errors: [error.message] });
      }
    });
  });
  await new Promise((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
