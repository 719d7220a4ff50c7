package dev.chaperone.operator.objects;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.exception.SdkClientException;

/** Credentials in the files of a mounted Secret, read at each use: a rotated one counts at once. */
final class CredentialFiles implements AwsCredentialsProvider {
  static final String ACCESS_KEY_ID = "access-key-id";
  static final String SECRET_ACCESS_KEY = "secret-access-key";
  static final String SESSION_TOKEN = "session-token";
  private static final int MAX_BYTES = 16 << 10;

  private final Path directory;

  CredentialFiles(Path directory) {
    this.directory = directory;
  }

  @Override
  public AwsCredentials resolveCredentials() {
    String id = read(ACCESS_KEY_ID);
    String secret = read(SECRET_ACCESS_KEY);
    return Files.exists(directory.resolve(SESSION_TOKEN))
        ? AwsSessionCredentials.create(id, secret, read(SESSION_TOKEN))
        : AwsBasicCredentials.create(id, secret);
  }

  private String read(String name) {
    byte[] content;
    try (InputStream in = Files.newInputStream(directory.resolve(name))) {
      content = in.readNBytes(MAX_BYTES);
    } catch (IOException e) {
      throw SdkClientException.create("the credentials have no " + name + " that can be read");
    }
    String text = new String(content, StandardCharsets.US_ASCII).strip();
    if (text.isEmpty()) {
      throw SdkClientException.create("the credentials have an empty " + name);
    }
    return text;
  }
}
