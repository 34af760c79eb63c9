/** The data sets that the loader knows. All have MNIST's format and file names; another one is one more entry. */

export const roles = ['train-images', 'train-labels', 'test-images', 'test-labels'] as const;
export type Role = (typeof roles)[number];

export interface DatasetFile {
  /** Without `.gz`. */
  readonly name: string;
  /** How many images, or labels, it holds. */
  readonly count: number;
  /** SHA-256 of the uncompressed content: what a file is checked against, however it was compressed. */
  readonly sha256?: string;
  /** SHA-256 of the archive as its authors published it, where no digest of the content is known. */
  readonly gzipSha256?: string;
}

export interface DatasetEntry {
  readonly title: string;
  /** The classes' names; a label is a place in this list. */
  readonly classes: readonly string[];
  /** The name of the model that is trained on it. */
  readonly model: string;
  /** The gate's default floor for the accuracy on the test set, in [0,1]. */
  readonly accuracyFloor: number;
  /** Base URLs, each ending in a slash and serving `<name>.gz`. */
  readonly mirrors: readonly string[];
  readonly files: Readonly<Record<Role, DatasetFile>>;
}

/** Side of an image in pixels, in every one of the data sets. */
export const imageSize = 28;

export const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

const files = {
  'train-images': { name: 'train-images-idx3-ubyte', count: 60_000 },
  'train-labels': { name: 'train-labels-idx1-ubyte', count: 60_000 },
  'test-images': { name: 't10k-images-idx3-ubyte', count: 10_000 },
  'test-labels': { name: 't10k-labels-idx1-ubyte', count: 10_000 },
} as const satisfies Record<Role, DatasetFile>;

export const datasets = {
  mnist: {
    title: 'MNIST handwritten digits',
    classes: digits,
    model: 'mnist',
    accuracyFloor: 0.985,
    mirrors: [
      'https://storage.googleapis.com/cvdf-datasets/mnist/',
      'https://ossci-datasets.s3.amazonaws.com/mnist/',
    ],
    files: {
      'train-images': {
        ...files['train-images'],
        sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      },
      'train-labels': {
        ...files['train-labels'],
        sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      },
      'test-images': {
        ...files['test-images'],
        sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      },
      'test-labels': {
        ...files['test-labels'],
        sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
      },
    },
  },
  // The archives' digests are those that TensorFlow Datasets records (url_checksums/fashion_mnist.txt).
  'fashion-mnist': {
    title: 'Fashion-MNIST articles of clothing',
    classes: [
      'T-shirt/top',
      'Trouser',
      'Pullover',
      'Dress',
      'Coat',
      'Sandal',
      'Shirt',
      'Sneaker',
      'Bag',
      'Ankle boot',
    ],
    model: 'fashion-mnist',
    accuracyFloor: 0.88,
    mirrors: [
      'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    ],
    files: {
      'train-images': {
        ...files['train-images'],
        gzipSha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
      },
      'train-labels': {
        ...files['train-labels'],
        gzipSha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
      },
      'test-images': {
        ...files['test-images'],
        gzipSha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
      },
      'test-labels': {
        ...files['test-labels'],
        gzipSha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
      },
    },
  },
  // The archives' digests are those that TensorFlow Datasets records (url_checksums/kmnist.txt).
  kmnist: {
    title: 'Kuzushiji-MNIST cursive hiragana',
    classes: ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'],
    model: 'kmnist',
    accuracyFloor: 0.93,
    mirrors: [
      'https://codh.rois.ac.jp/kmnist/dataset/kmnist/',
      'https://storage.googleapis.com/kuzushiji-mnist/',
    ],
    files: {
      'train-images': {
        ...files['train-images'],
        gzipSha256: '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4',
      },
      'train-labels': {
        ...files['train-labels'],
        gzipSha256: 'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17',
      },
      'test-images': {
        ...files['test-images'],
        gzipSha256: 'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5',
      },
      'test-labels': {
        ...files['test-labels'],
        gzipSha256: '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c',
      },
    },
  },
} as const satisfies Record<string, DatasetEntry>;

export type DatasetName = keyof typeof datasets;
export const datasetNames = Object.keys(datasets) as readonly DatasetName[];
export type DatasetTable = Readonly<Record<DatasetName, DatasetEntry>>;
