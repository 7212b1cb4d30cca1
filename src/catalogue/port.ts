/** The port of the catalogue: networks of others that are known to work here, and where each of them comes from. */

/** A file inside an npm package: one version, and no other bytes than these. */
export interface PackageFile {
  readonly name: string;
  readonly version: string;
  /** Subresource Integrity of the package's tarball, `sha512-…`: what the registry states of it, fixed here. */
  readonly integrity: string;
  /** Size of the tarball. */
  readonly bytes: number;
  /** Below the package's folder. */
  readonly path: string;
}

/** Measured here, with the product itself. */
export interface MeasuredFigure {
  readonly what: string;
  readonly value: string;
}

/** A network's file, by its bytes. */
export interface CatalogueFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface CatalogueEntry {
  /** What `facelatch models fetch` takes. */
  readonly name: string;
  readonly kind: 'face-embedder' | 'face-detector' | 'liveness';
  readonly about: string;
  readonly licence: string;
  /** Whether a business may use it, as far as its licence says. */
  readonly commercial: boolean;
  /** Where it comes from, for people. */
  readonly source: string;
  /** Absent where no package holds it: then it comes from a file (`--from`). */
  readonly package?: PackageFile;
  readonly file: CatalogueFile;
  /** Of a pair: the second file. Then `--from` names the folder that holds both. */
  readonly others?: readonly CatalogueFile[];
  readonly measured: readonly MeasuredFigure[];
  /** One face or frame, milliseconds, on one core of the machine that measured. */
  readonly ms: number;
  /** The manifest that it is stored with; file, SHA-256 and licence are the entry's. */
  readonly manifest: Readonly<Record<string, unknown>>;
}
