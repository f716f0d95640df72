using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>The commonest calls in a line: invoke, read, dispose. Nothing is sent before the first element is asked for; leaving the loop closes the connection.</summary>
/// <remarks>They throw what <see cref="ILambdaStreamingClient.InvokeWithResponseStreamAsync"/> and the reader of the same name throw. For more than JSON text, e.g. a qualifier or time limits, use the overloads that take a request.</remarks>
public static class LambdaStreamingClientExtensions
{
    /// <summary>Invokes a function and reads its answer as text, as it comes.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">What the function is given, as JSON text.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
    /// <returns>Strings; each enumeration is an invocation.</returns>
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

    /// <inheritdoc cref="InvokeTextAsync(ILambdaStreamingClient, string, string, PayloadReadOptions, CancellationToken)"/>
    /// <param name="client">The client.</param>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
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

    /// <summary>Invokes a function and reads its answer line by line, as it comes.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">What the function is given, as JSON text.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
    /// <returns>The lines; each enumeration is an invocation.</returns>
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

    /// <inheritdoc cref="InvokeLinesAsync(ILambdaStreamingClient, string, string, PayloadReadOptions, CancellationToken)"/>
    /// <param name="client">The client.</param>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
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

    /// <summary>Invokes a function and reads the JSON values of its answer, as they come.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">What the function is given, as JSON text.</param>
    /// <param name="jsonTypeInfo">The type of one value, from a source-generated context.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
    /// <typeparam name="T">The type of one value.</typeparam>
    /// <returns>The values; each enumeration is an invocation.</returns>
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

    /// <inheritdoc cref="InvokeJsonValuesAsync{T}(ILambdaStreamingClient, string, string, JsonTypeInfo{T}, PayloadReadOptions, CancellationToken)"/>
    /// <param name="client">The client.</param>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="jsonTypeInfo">The type of one value, from a source-generated context.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
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

    /// <summary>Invokes a function and reads the server-sent events of its answer, as they come.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">What the function is given, as JSON text.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
    /// <returns>The events; each enumeration is an invocation.</returns>
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

    /// <inheritdoc cref="InvokeServerSentEventsAsync(ILambdaStreamingClient, string, string, PayloadReadOptions, CancellationToken)"/>
    /// <param name="client">The client.</param>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="options">How the answer is read. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Governs the whole call.</param>
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

    // The options are checked before anything is sent.
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
        return new InvocationEnumerable<T>(client, request, (response, token) => read(response, options, token), cancellationToken);
    }
}
