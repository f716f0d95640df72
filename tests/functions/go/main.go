// A streaming function with Go's standard library: a handler, and the runtime that calls it.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

type event struct {
	Name string `json:"name"`
	Gate string `json:"gate"`
	Fail bool   `json:"fail"`
}

func handle(input event, output io.Writer) error {
	for _, word := range []string{"hello", " ", input.Name} {
		if _, err := io.WriteString(output, word); err != nil {
			return err
		}
		// A test creates this file when it has received the first word.
		for input.Gate != "" {
			if _, err := os.Stat(input.Gate); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if input.Fail {
		return errors.New("no more words")
	}
	return nil
}

func respond(url string, input event) error {
	body, writer := io.Pipe()
	// Without the header Lambda-Runtime-Function-Response-Mode, as aws-lambda-go.
	request, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		return err
	}
	request.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": nil,
		"Lambda-Runtime-Function-Error-Body": nil,
	}
	go func() {
		if err := handle(input, writer); err != nil {
			details, _ := json.Marshal(map[string]string{"errorType": "errorString", "errorMessage": err.Error()})
			request.Trailer.Set("Lambda-Runtime-Function-Error-Type", "errorString")
			request.Trailer.Set("Lambda-Runtime-Function-Error-Body", base64.StdEncoding.EncodeToString(details))
		}
		writer.Close()
	}()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func main() {
	root := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(root + "next")
		if err != nil {
			panic(err)
		}
		var input event
		if err := json.NewDecoder(next.Body).Decode(&input); err != nil {
			panic(err)
		}
		next.Body.Close()
		if err := respond(root+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", input); err != nil {
			panic(err)
		}
	}
}
