import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { ArchiveUnavailable } from '../errors.ts';
import type { ArchiveStore } from './store.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** An archive in a bucket of an S3-compatible store. */
export class S3Store implements ArchiveStore {
  readonly address: string;
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** Empty, or ends with a slash. */
  readonly #prefix: string;

  private constructor(sdk: Sdk, bucket: string, prefix: string) {
    this.#sdk = sdk;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.address = `s3://${bucket}/${prefix}`;
    this.#client = new sdk.S3Client({
      // Stores beside Amazon's have no name of their own for each bucket.
      forcePathStyle: true,
      // Not every store knows these checksums; all bytes are compared by SHA-256 anyway.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /** Endpoint, region and credentials are those of the AWS_* variables and of the machine, as every program of AWS has them. */
  static async open(bucket: string, prefix: string): Promise<S3Store> {
    return new S3Store(await import('@aws-sdk/client-s3'), bucket, prefix);
  }

  async list(prefix: string): Promise<string[]> {
    return await this.#doing('reading', async () => {
      const names: string[] = [];
      const pages = this.#sdk.paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#bucket, Prefix: `${this.#prefix}${prefix}` },
      );
      for await (const { Contents = [] } of pages)
        for (const { Key = '' } of Contents) names.push(Key.slice(this.#prefix.length));
      return names.toSorted();
    });
  }

  async putFile(name: string, file: string): Promise<void> {
    await this.#doing('writing to', async () => {
      const { size } = await stat(file);
      await this.#put(name, createReadStream(file), size);
    });
  }

  async putText(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.#doing('writing to', () => this.#put(name, bytes, bytes.length));
  }

  async readText(name: string): Promise<string | undefined> {
    return await this.#get(name, (body) => body.transformToString('utf8'));
  }

  async localFile(name: string, folder: string): Promise<string | undefined> {
    const file = join(folder, basename(name));
    return await this.#get(name, async (body) => {
      await pipeline(body as Readable, createWriteStream(file));
      return file;
    });
  }

  async remove(name: string): Promise<void> {
    await this.#doing('removing from', async () => {
      const input = { Bucket: this.#bucket, Key: this.#keyOf(name) };
      await this.#client.send(new this.#sdk.DeleteObjectCommand(input));
    });
  }

  async #put(name: string, body: Readable | Buffer, bytes: number): Promise<void> {
    const input = {
      Bucket: this.#bucket,
      Key: this.#keyOf(name),
      Body: body,
      ContentLength: bytes,
    };
    await this.#client.send(new this.#sdk.PutObjectCommand(input));
  }

  async #get<T>(
    name: string,
    read: (body: NonNullable<GetObjectCommandOutput['Body']>) => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#doing('reading', async () => {
      try {
        const input = { Bucket: this.#bucket, Key: this.#keyOf(name) };
        const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand(input));
        if (Body === undefined) throw new Error(`${name} came without a body`);
        return await read(Body);
      } catch (error) {
        if (error instanceof this.#sdk.NoSuchKey) return undefined;
        throw error;
      }
    });
  }

  #keyOf(name: string): string {
    return `${this.#prefix}${name}`;
  }

  async #doing<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new ArchiveUnavailable(`${what} the archive ${this.address}`, named(error as Error));
    }
  }
}

/** The store's code says more than most of its messages. */
function named(error: Error): Error {
  const isNamed = error.name === 'Error' || error.message.startsWith(error.name);
  return isNamed ? error : new Error(`${error.name}: ${error.message}`, { cause: error });
}
