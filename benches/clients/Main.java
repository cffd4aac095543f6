import java.io.ByteArrayInputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Puts, gets, uploads in parts, reads ranges and uses presigned URLs with the AWS SDK for Java, until every gateway has
 * served. Arguments: endpoint, bucket, `path` or `host`. Names are those of the file that `jdk.net.hosts.file` names.
 */
public class Main {
    static final byte[] SMALL = "hello".getBytes(StandardCharsets.UTF_8);
    static final TreeSet<String> served = new TreeSet<>();

    static void equal(String what, byte[] got, byte[] expected) {
        if (!Arrays.equals(got, expected)) {
            throw new AssertionError(what + ": " + got.length + " bytes, other than the " + expected.length + " expected");
        }
    }

    static void refused(int status, Runnable call) {
        try {
            call.run();
        } catch (S3Exception error) {
            if (error.statusCode() == status) {
                return;
            }
            throw error;
        }
        throw new AssertionError("not refused with " + status);
    }

    static byte[] ask(URL url, byte[] body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        if (body != null) {
            connection.setRequestMethod("PUT");
            connection.setDoOutput(true);
            connection.getOutputStream().write(body);
        }
        return connection.getInputStream().readAllBytes();
    }

    public static void main(String[] arguments) throws Exception {
        URI endpoint = URI.create(arguments[0]);
        String bucket = arguments[1];
        boolean inPath = arguments[2].equals("path");
        ExecutionInterceptor noting = new ExecutionInterceptor() {
            @Override
            public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
                context.httpResponse().firstMatchingHeader("X-Served-By").ifPresent(served::add);
            }
        };
        S3Client s3 = S3Client.builder()
            .endpointOverride(endpoint)
            .forcePathStyle(inPath)
            .overrideConfiguration(options -> options.addExecutionInterceptor(noting).retryStrategy(retry -> retry.maxAttempts(1)))
            .build();
        s3.createBucket(request -> request.bucket(bucket));
        for (String key : List.of("a/é b+c", "tilde~(1)")) {
            s3.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromBytes(SMALL));
            equal(key, s3.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asByteArray(), SMALL);
            byte[] part = s3.getObjectAsBytes(request -> request.bucket(bucket).key(key).range("bytes=1-3")).asByteArray();
            equal(key, part, Arrays.copyOfRange(SMALL, 1, 4));
        }
        byte[] large = new byte[12 << 20];
        new Random(1).nextBytes(large);
        String id = s3.createMultipartUpload(request -> request.bucket(bucket).key("large")).uploadId();
        CompletedPart[] parts = new CompletedPart[2];
        for (int place = 0; place < 2; place++) {
            int number = place + 1;
            byte[] bytes = Arrays.copyOfRange(large, place * (6 << 20), number * (6 << 20));
            String etag = s3.uploadPart(
                request -> request.bucket(bucket).key("large").uploadId(id).partNumber(number),
                RequestBody.fromInputStream(new ByteArrayInputStream(bytes), bytes.length)).eTag();
            parts[place] = CompletedPart.builder().partNumber(number).eTag(etag).build();
        }
        s3.completeMultipartUpload(
            request -> request.bucket(bucket).key("large").uploadId(id).multipartUpload(upload -> upload.parts(parts)));
        equal("large", s3.getObjectAsBytes(request -> request.bucket(bucket).key("large")).asByteArray(), large);

        Runnable once =
            () -> s3.putObject(request -> request.bucket(bucket).key("once").ifNoneMatch("*"), RequestBody.fromBytes(SMALL));
        once.run();
        refused(412, once);
        equal("once", s3.getObjectAsBytes(request -> request.bucket(bucket).key("once")).asByteArray(), SMALL);
        Runnable odd = () -> s3.putObject(request -> request.bucket(bucket).key("a;v=1"), RequestBody.fromBytes(SMALL));
        if (inPath) {
            odd.run();
        } else {
            refused(501, odd);
        }

        try (S3Presigner presigner = S3Presigner.builder().endpointOverride(endpoint)
                .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(inPath).build()).build()) {
            Duration hour = Duration.ofHours(1);
            ask(presigner.presignPutObject(signed -> signed.signatureDuration(hour)
                .putObjectRequest(request -> request.bucket(bucket).key("presigned"))).url(), SMALL);
            byte[] got = ask(presigner.presignGetObject(signed -> signed.signatureDuration(hour)
                .getObjectRequest(request -> request.bucket(bucket).key("presigned"))).url(), null);
            equal("presigned", got, SMALL);
        }
        for (int tries = 0; served.size() < 3 && tries < 100; tries++) {
            s3.getObjectAsBytes(request -> request.bucket(bucket).key("once"));
        }
        var listed = s3.listObjectsV2(request -> request.bucket(bucket)).contents();
        listed.forEach(object -> s3.deleteObject(request -> request.bucket(bucket).key(object.key())));
        s3.deleteBucket(request -> request.bucket(bucket));
        System.out.println("Java " + endpoint + " " + arguments[2] + " " + listed.size() + " objects, served by " + String.join(" ", served));
    }
}
