import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FolderStore } from './folder-store.ts';
import { S3Store } from './s3-store.ts';
import type { ArchiveStore } from './store.ts';

const S3 = /^s3:\/\/([^/]+)\/?(.*)$/;

/** What is wrong with an address of an archive; undefined where nothing is. */
export function archiveUrlProblem(url: string): string | undefined {
  const wanted = 'must be file:///folder or s3://bucket/prefix';
  if (/[?#]/.test(url)) return wanted;
  if (S3.test(url)) return undefined;
  return folderOf(url) === undefined ? wanted : undefined;
}

/** @param url one without a problem */
export async function openArchiveStore(url: string): Promise<ArchiveStore> {
  const [, bucket, path = ''] = S3.exec(url) ?? [];
  if (bucket !== undefined) {
    const prefix = path.replace(/\/+$/, '');
    return await S3Store.open(bucket, prefix === '' ? '' : `${prefix}/`);
  }
  const folder = folderOf(url);
  if (folder === undefined) throw new Error(`the archive ${url} ${archiveUrlProblem(url)}`);
  return new FolderStore(folder);
}

function folderOf(url: string): string | undefined {
  try {
    const folder = resolve(fileURLToPath(url));
    return folder === '/' ? undefined : folder;
  } catch {
    return undefined;
  }
}
