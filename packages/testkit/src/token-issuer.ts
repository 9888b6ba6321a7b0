import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TOKEN_CLAIMS } from './kafka-access.ts';

/** Who gives tokens (JWT, RS256) by OAuth's client credentials, on this machine. */
export interface TokenIssuer {
  /** The token endpoint. */
  readonly url: string;
  /** For `kafkaCluster({ tokenKeys })`: what is signed here is what it takes. */
  readonly keys: string;
  /** Of the tokens given from now on, in seconds; 60 at first. */
  lifeSeconds: number;
  /** Tokens given so far. */
  readonly given: number;
  /** A token for this user, as the endpoint gives it. */
  sign(user: string): string;
  close(): Promise<void>;
}

const KEY_ID = 'test';
const LIFE_SECONDS = 60;

/** @param clients the secret of each client id, which is the user that its tokens name */
export async function tokenIssuer(clients: Readonly<Record<string, string>>): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' };
  const sign = (user: string): string => {
    // In whole seconds, and never shorter than the answer says: clients log in again at 90 % of it.
    const nowSeconds = Date.now() / 1_000;
    const exp = Math.ceil(nowSeconds) + issuer.lifeSeconds;
    const claims = { ...TOKEN_CLAIMS, sub: user, iat: Math.floor(nowSeconds), exp };
    const head = { alg: 'RS256', typ: 'JWT', kid: KEY_ID };
    const signed = [head, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    const signature = createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url');
    return `${signed}.${signature}`;
  };
  let given = 0;
  const server = createServer((request, response) => {
    request.resume();
    const [user = '', secret = ''] = credentials(request.headers.authorization);
    response.setHeader('content-type', 'application/json');
    if (clients[user] === undefined || clients[user] !== secret) {
      response.writeHead(401).end(JSON.stringify({ error: 'invalid_client' }));
      return;
    }
    given += 1;
    const answer = {
      access_token: sign(user),
      token_type: 'Bearer',
      expires_in: issuer.lifeSeconds,
    };
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer: TokenIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    keys: JSON.stringify({ keys: [key] }),
    lifeSeconds: LIFE_SECONDS,
    get given() {
      return given;
    },
    sign,
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** Of `Basic ...`, both parts encoded as in a form. */
function credentials(authorization = ''): string[] {
  const text = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  return text.split(':').map(decodeURIComponent);
}
