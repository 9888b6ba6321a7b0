/** Where archives lie: objects with names like paths. All throw `ArchiveUnavailable`. */
export interface ArchiveStore {
  /** Without credentials, for people. */
  readonly address: string;
  /** Names of all objects whose names begin so, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Puts a local file there, whole or not at all; durable when it returns. */
  putFile(name: string, file: string): Promise<void>;
  putText(name: string, text: string): Promise<void>;
  /** Undefined where there is none. */
  readText(name: string): Promise<string | undefined>;
  /**
   * A local file with the object's bytes, to be read only; undefined where there is none.
   * @param folder where to put it, if it has to be fetched
   */
  localFile(name: string, folder: string): Promise<string | undefined>;
  /** Nothing happens where there is none. */
  remove(name: string): Promise<void>;
}
