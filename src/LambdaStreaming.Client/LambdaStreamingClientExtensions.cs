using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>Methods whose results invoke a function each time that they are enumerated.</summary>
/// <remarks>
/// Nothing is sent until the first element is requested. Each further enumeration invokes the function again. The end
/// of an enumeration disposes the response; leaving the loop early closes the connection. The enumeration throws the
/// exceptions of <see cref="ILambdaStreamingClient.InvokeWithResponseStreamAsync"/> and of the corresponding reader,
/// for example <see cref="ResponsePayload.ReadTextAsync"/>. To set more than the payload, for example a qualifier or
/// timeouts, use the overloads with a request.
/// </remarks>
public static partial class LambdaStreamingClientExtensions
{
    /// <summary>Invokes a function at each enumeration, and reads its response as text, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text. Default: no payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>Non-empty strings. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    [OverloadResolutionPriority(1)] // because null can be options or a JsonTypeInfo<string>
    public static IAsyncEnumerable<string> InvokeTextAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string? json = null,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeTextAsync(CreateRequest(functionName, json), options, cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads its response as text, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload. It is serialized to JSON once, before this method returns.</param>
    /// <param name="payloadTypeInfo">The JSON metadata of the payload's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of the payload.</typeparam>
    /// <returns>Non-empty strings. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument other than <paramref name="payload"/> is null, the function name is blank, or an option is not
    /// valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeTextAsync<T>(
        this ILambdaStreamingClient client,
        string functionName,
        T payload,
        JsonTypeInfo<T> payloadTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeTextAsync(
            InvokeWithResponseStreamRequest.Create(functionName, payload, payloadTypeInfo),
            options,
            cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads its response as text, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>Non-empty strings. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, or an option is not valid. The message names it.
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

    /// <summary>Invokes a function at each enumeration, and reads its response by line, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text. Default: no payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The lines. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    [OverloadResolutionPriority(1)] // because null can be options or a JsonTypeInfo<string>
    public static IAsyncEnumerable<string> InvokeLinesAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string? json = null,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeLinesAsync(CreateRequest(functionName, json), options, cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads its response by line, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload. It is serialized to JSON once, before this method returns.</param>
    /// <param name="payloadTypeInfo">The JSON metadata of the payload's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of the payload.</typeparam>
    /// <returns>The lines. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument other than <paramref name="payload"/> is null, the function name is blank, or an option is not
    /// valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<string> InvokeLinesAsync<T>(
        this ILambdaStreamingClient client,
        string functionName,
        T payload,
        JsonTypeInfo<T> payloadTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeLinesAsync(
            InvokeWithResponseStreamRequest.Create(functionName, payload, payloadTypeInfo),
            options,
            cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads its response by line, as it arrives.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The lines. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, or an option is not valid. The message names it.
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

    private static InvokeWithResponseStreamRequest CreateRequest(string functionName, string? json) => json is null
        ? new InvokeWithResponseStreamRequest(functionName)
        : InvokeWithResponseStreamRequest.FromJson(functionName, json);

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
