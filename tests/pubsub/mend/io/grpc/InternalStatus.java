package io.grpc;

/**
 * In place of the class of this name in the emulator's jar, which lacks a method that the emulator calls when a client
 * goes away: it then keeps delivering to the client that is gone.
 */
public final class InternalStatus {
  public static final Metadata.Key<String> MESSAGE_KEY = Status.MESSAGE_KEY;
  public static final Metadata.Key<Status> CODE_KEY = Status.CODE_KEY;

  private InternalStatus() {}

  public static StatusRuntimeException asRuntimeExceptionWithoutStacktrace(Status status, Metadata trailers) {
    return new StatusRuntimeException(status, trailers);
  }

  public static StatusRuntimeException asRuntimeException(Status status, Metadata trailers, boolean fillInStackTrace) {
    return new StatusRuntimeException(status, trailers);
  }
}
