using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>Methods that invoke a function, read its response and dispose it in one call.</summary>
/// <remarks>
/// The function is invoked when the first element is requested. Each further enumeration invokes the function again.
/// Leaving the loop early closes the connection. The enumeration throws the exceptions of
/// <see cref="ILambdaStreamingClient.InvokeWithResponseStreamAsync"/> and of the corresponding reader, for example
/// <see cref="ResponsePayload.ReadTextAsync"/>. To set more than the payload, for example a qualifier or timeouts, use
/// the overloads with a request.
/// </remarks>
public static class LambdaStreamingClientExtensions
{
    /// <summary>Invokes a function and reads its response as text, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>Non-empty strings. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeTextAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string json,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeTextAsync(
            InvokeWithResponseStreamRequest.FromJson(functionName, json),
            options,
            cancellationToken);

    /// <summary>Invokes a function and reads its response as text, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>Non-empty strings. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeTextAsync(
        this ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        InvokeAsync(
            client,
            request,
            options,
            static (response, readOptions, token) => response.ReadTextAsync(readOptions, token),
            cancellationToken);

    /// <summary>Invokes a function and reads its response line by line, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The lines. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeLinesAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string json,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeLinesAsync(
            InvokeWithResponseStreamRequest.FromJson(functionName, json),
            options,
            cancellationToken);

    /// <summary>Invokes a function and reads its response line by line, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The lines. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeLinesAsync(
        this ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        InvokeAsync(
            client,
            request,
            options,
            static (response, readOptions, token) => response.ReadLinesAsync(readOptions, token),
            cancellationToken);

    /// <summary>Invokes a function and reads the JSON values of its response, as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text.</param>
    /// <param name="jsonTypeInfo">The JSON metadata of a value's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of a value.</typeparam>
    /// <returns>The values. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<T?> InvokeJsonValuesAsync<T>(
        this ILambdaStreamingClient client,
        string functionName,
        string json,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeJsonValuesAsync(
            InvokeWithResponseStreamRequest.FromJson(functionName, json),
            jsonTypeInfo,
            options,
            cancellationToken);

    /// <summary>Invokes a function and reads the JSON values of its response, as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="jsonTypeInfo">The JSON metadata of a value's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of a value.</typeparam>
    /// <returns>The values. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<T?> InvokeJsonValuesAsync<T>(
        this ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        return InvokeAsync(
            client,
            request,
            options,
            (response, readOptions, token) => response.ReadJsonValuesAsync(jsonTypeInfo, readOptions, token),
            cancellationToken);
    }

    /// <summary>Invokes a function and reads the server-sent events of its response, as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<string>> InvokeServerSentEventsAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string json,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeServerSentEventsAsync(
            InvokeWithResponseStreamRequest.FromJson(functionName, json),
            options,
            cancellationToken);

    /// <summary>Invokes a function and reads the server-sent events of its response, as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<string>> InvokeServerSentEventsAsync(
        this ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        InvokeAsync(
            client,
            request,
            options,
            static (response, readOptions, token) => response.ReadServerSentEventsAsync(readOptions, token),
            cancellationToken);

    // Validates the options before anything is sent.
    private static InvocationEnumerable<T> InvokeAsync<T>(
        ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        PayloadReadOptions? options,
        Func<InvokeWithResponseStreamResponse, PayloadReadOptions, CancellationToken, IAsyncEnumerable<T>> read,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(request);
        options = (options ?? PayloadReadOptions.Default).ValidatedCopy();
        return new InvocationEnumerable<T>(
            client,
            request,
            (response, token) => read(response, options, token),
            cancellationToken);
    }
}
