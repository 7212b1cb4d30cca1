/** Types for the part of the package node-webcam (0.8, which has none) that webcam.ts uses. */
declare module 'node-webcam' {
  export interface WebcamOptions {
    width: number;
    height: number;
    /** 0…95 for fswebcam's JPEG. */
    quality: number;
    /** Frames thrown away before the one that is kept: a camera that just woke up shows them too dark. */
    skip: number;
    output: 'jpeg' | 'png';
    device: string;
    callbackReturn: 'location' | 'buffer' | 'base64';
    saveShots: boolean;
    verbose: boolean;
  }

  export interface Webcam {
    /** The program, put at the front of the shell command as it is. */
    bin: string;
    /** Runs the program in a shell; `location` becomes part of the command as it is. */
    capture(location: string, callback: (error: Error | null, picture: Buffer) => void): void;
  }

  const nodeWebcam: { FSWebcam: new (options: WebcamOptions) => Webcam };
  export default nodeWebcam;
}
