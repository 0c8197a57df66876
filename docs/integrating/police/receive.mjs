// A receiver of missing notices, whole: verifies, keeps each notice once, answers at once.
//
//   npm install standardwebhooks
//   NOTICE_SECRET=whsec_... node receive.mjs 8080 notices/         (or whpk_..., Safe Return's public key)
//
// `notices/` is where they are kept, one file a notice; a real control room hands them to its incident system instead.
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { existsSync, mkdirSync, openSync, writeSync, fsyncSync, closeSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";

const LONGEST_BODY = 1_000_000;
const [port, kept] = process.argv.slice(2);
// During a change of secrets: two, with a space between them. Either is good.
const verifiers = process.env.NOTICE_SECRET.split(" ").map((key) => (key.startsWith("whpk_") ? withPublicKey(key) : new Webhook(key)));

// `v1a` of Standard Webhooks, which the library does not know: Ed25519 over the id, the time and the body.
function withPublicKey(key) {
  const x = Buffer.from(key.slice("whpk_".length), "base64").toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return {
    verify(body, headers) {
      const at = headers["webhook-timestamp"];
      if (!(Math.abs(Date.now() / 1000 - Number(at)) <= 300)) throw new Error("too old");
      const signed = Buffer.from(`${headers["webhook-id"]}.${at}.${body}`);
      const given = headers["webhook-signature"].split(" ").filter((each) => each.startsWith("v1a,"));
      if (!given.some((each) => verify(null, signed, publicKey, Buffer.from(each.slice(4), "base64")))) throw new Error("not signed");
    },
  };
}

// Signature and age (5 minutes at most), by the published library. Any error means "no".
function isSigned(body, headers) {
  return verifiers.some((verifier) => {
    try {
      verifier.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  });
}

// Safe Return repeats a notice under the same id until it is told 2xx: it is one notice.
function keep(noticeId, body) {
  if (!/^[0-9a-f-]{36}$/.test(noticeId)) throw new Error("a notice's id is a UUID");
  const file = join(kept, `${noticeId}.json`);
  if (existsSync(file)) return;
  const draft = openSync(`${file}.draft`, "w");
  writeSync(draft, body);
  fsyncSync(draft);
  closeSync(draft);
  renameSync(`${file}.draft`, file);
}

mkdirSync(kept, { recursive: true });
createServer((request, response) => {
  const chunks = [];
  let length = 0;
  request.on("data", (chunk) => {
    length += chunk.length;
    if (length <= LONGEST_BODY) chunks.push(chunk);
  });
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    if (length > LONGEST_BODY) response.writeHead(413).end();
    else if (!isSigned(body, request.headers)) response.writeHead(401).end();
    else {
      // Kept before it is answered: 2xx says that it is safe with you. Nobody has to have read it yet.
      keep(request.headers["webhook-id"], body);
      response.writeHead(204).end();
    }
  });
}).listen(Number(port), "127.0.0.1");
