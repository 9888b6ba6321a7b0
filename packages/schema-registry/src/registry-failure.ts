/** Why a registry gave no answer. */
export class RegistryFailure extends Error {
  override readonly name = 'RegistryFailure';
  readonly kind: 'away' | 'refused';

  /** @param kind `away`: it may pass; `refused`: it stays so until somebody changes address or login */
  constructor(kind: RegistryFailure['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
