// Puts, gets, uploads in parts, reads ranges and uses presigned URLs with the AWS SDK for Go, until every gateway has served.
// Arguments: endpoint, bucket, `path` or `host`. The host is 127.0.0.1, whatever its name.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// Notes which gateway answered each request.
type noting struct {
	next  http.RoundTripper
	mutex sync.Mutex
	seen  map[string]bool
}

func (n *noting) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(request)
	if err == nil {
		n.mutex.Lock()
		n.seen[answer.Header.Get("X-Served-By")] = true
		n.mutex.Unlock()
	}
	return answer, err
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

func equal(what string, got, expected []byte) {
	if !bytes.Equal(got, expected) {
		must(fmt.Errorf("%s: %d bytes, other than the %d expected", what, len(got), len(expected)))
	}
}

func main() {
	ctx, endpoint, bucket, style := context.Background(), os.Args[1], aws.String(os.Args[2]), os.Args[3]
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	note := &noting{next: transport, seen: map[string]bool{}}
	web := &http.Client{Transport: note}
	settings, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(web), config.WithRetryMaxAttempts(1))
	must(err)
	client := s3.NewFromConfig(settings, func(options *s3.Options) {
		options.BaseEndpoint = aws.String(endpoint)
		options.UsePathStyle = style == "path"
		options.DisableLogOutputChecksumValidationSkipped = true
	})
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	must(err)

	read := func(key, part string) []byte {
		input := &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)}
		if part != "" {
			input.Range = aws.String(part)
		}
		object, err := client.GetObject(ctx, input)
		must(err)
		body, err := io.ReadAll(object.Body)
		must(err)
		return body
	}
	small := []byte("hello")
	put := func(key string, condition *string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: aws.String(key), Body: bytes.NewReader(small), IfNoneMatch: condition,
		})
		return err
	}
	for _, key := range []string{"a/é b+c", "tilde~(1)"} {
		must(put(key, nil))
		equal(key, read(key, ""), small)
		equal(key, read(key, "bytes=1-3"), small[1:4])
	}
	// A body of unknown length, in parts.
	large := make([]byte, 12<<20)
	_, err = rand.Read(large)
	must(err)
	_, err = manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("large"), Body: io.MultiReader(bytes.NewReader(large)),
	})
	must(err)
	equal("large", read("large", ""), large)

	must(put("once", aws.String("*")))
	var refused smithy.APIError
	if err = put("once", aws.String("*")); !errors.As(err, &refused) || refused.ErrorCode() != "PreconditionFailed" {
		must(fmt.Errorf("a second conditional PUT: %v", err))
	}
	equal("once", read("once", ""), small)
	if strings.HasPrefix(style, "host") {
		if err = put("a;v=1", nil); !errors.As(err, &refused) || refused.ErrorCode() != "NotImplemented" {
			must(fmt.Errorf("a key with a semicolon: %v", err))
		}
	} else {
		must(put("a;v=1", nil))
		equal("a;v=1", read("a;v=1", ""), small)
	}

	presign := s3.NewPresignClient(client)
	ask := func(method, url string, body []byte) []byte {
		request, err := http.NewRequest(method, url, bytes.NewReader(body))
		must(err)
		answer, err := web.Do(request)
		must(err)
		text, err := io.ReadAll(answer.Body)
		must(err)
		if answer.StatusCode != 200 {
			must(fmt.Errorf("%s of a presigned URL: %s %s", method, answer.Status, text))
		}
		return text
	}
	signed, err := presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("presigned")})
	must(err)
	ask("PUT", signed.URL, small)
	signed, err = presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("presigned")})
	must(err)
	equal("presigned", ask("GET", signed.URL, nil), small)

	for tries := 0; len(note.seen) < 3 && tries < 100; tries++ {
		read("once", "")
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	must(err)
	for _, object := range listed.Contents {
		_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: object.Key})
		must(err)
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	must(err)
	var names []string
	for name := range note.seen {
		if name != "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	fmt.Println("Go", endpoint, style, len(listed.Contents), "objects, served by", strings.Join(names, " "))
}
