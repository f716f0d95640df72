using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;

namespace LambdaStreaming;

/// <content>The methods for JSON values and server-sent events.</content>
public static partial class LambdaStreamingClientExtensions
{
    /// <summary>Invokes a function at each enumeration, and reads JSON values as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text. It is sent unchanged: it is not serialized.</param>
    /// <param name="jsonTypeInfo">
    /// The JSON metadata of a value of the response, from a source-generated context. To serialize the payload, too,
    /// use the overload with two of them.
    /// </param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of a value.</typeparam>
    /// <returns>The values. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, the function name is blank, or an option is not valid. The message names it.
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

    /// <summary>Invokes a function at each enumeration, and reads JSON values as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="jsonTypeInfo">The JSON metadata of a value's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of a value.</typeparam>
    /// <returns>The values. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, or an option is not valid. The message names it.
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

    /// <summary>Invokes a function at each enumeration, and reads JSON values as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload. It is serialized to JSON once, before this method returns.</param>
    /// <param name="payloadTypeInfo">The JSON metadata of the payload's type, from a source-generated context.</param>
    /// <param name="valueTypeInfo">The JSON metadata of a value's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="TIn">The type of the payload.</typeparam>
    /// <typeparam name="TOut">The type of a value.</typeparam>
    /// <returns>The values. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument other than <paramref name="payload"/> is null, the function name is blank, or an option is not
    /// valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<TOut?> InvokeJsonValuesAsync<TIn, TOut>(
        this ILambdaStreamingClient client,
        string functionName,
        TIn payload,
        JsonTypeInfo<TIn> payloadTypeInfo,
        JsonTypeInfo<TOut> valueTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeJsonValuesAsync(
            InvokeWithResponseStreamRequest.Create(functionName, payload, payloadTypeInfo),
            valueTypeInfo,
            options,
            cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads server-sent events as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text. Default: no payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<string>> InvokeServerSentEventsAsync(
        this ILambdaStreamingClient client,
        string functionName,
        string? json = null,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeServerSentEventsAsync(CreateRequest(functionName, json), options, cancellationToken);

    /// <summary>Invokes a function at each enumeration, and reads server-sent events as they arrive.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, or an option is not valid. The message names it.
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

    /// <summary>
    /// Invokes a function at each enumeration, and reads server-sent events with JSON data as they arrive.
    /// </summary>
    /// <remarks>Events with empty data and the end mark <c>[DONE]</c> are skipped.</remarks>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The payload, as JSON text. It is sent unchanged: it is not serialized.</param>
    /// <param name="jsonTypeInfo">
    /// The JSON metadata of the data of an event, from a source-generated context. To serialize the payload, too, use
    /// the overload with two of them.
    /// </param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of an event's data.</typeparam>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, the function name is blank, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<T?>> InvokeServerSentEventsAsync<T>(
        this ILambdaStreamingClient client,
        string functionName,
        string json,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeServerSentEventsAsync(
            InvokeWithResponseStreamRequest.FromJson(functionName, json),
            jsonTypeInfo,
            options,
            cancellationToken);

    /// <summary>
    /// Invokes a function at each enumeration, and reads server-sent events with JSON data as they arrive.
    /// </summary>
    /// <remarks>Events with empty data and the end mark <c>[DONE]</c> are skipped.</remarks>
    /// <param name="client">The client.</param>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="jsonTypeInfo">The JSON metadata of the data's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="T">The type of an event's data.</typeparam>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// A required argument is null, or an option is not valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<T?>> InvokeServerSentEventsAsync<T>(
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
            (response, readOptions, token) => response.ReadServerSentEventsAsync(jsonTypeInfo, readOptions, token),
            cancellationToken);
    }

    /// <summary>
    /// Invokes a function at each enumeration, and reads server-sent events with JSON data as they arrive.
    /// </summary>
    /// <remarks>Events with empty data and the end mark <c>[DONE]</c> are skipped.</remarks>
    /// <param name="client">The client.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload. It is serialized to JSON once, before this method returns.</param>
    /// <param name="payloadTypeInfo">The JSON metadata of the payload's type, from a source-generated context.</param>
    /// <param name="dataTypeInfo">The JSON metadata of the data's type, from a source-generated context.</param>
    /// <param name="options">Reader options. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels the call, including reading the response.</param>
    /// <typeparam name="TIn">The type of the payload.</typeparam>
    /// <typeparam name="TOut">The type of an event's data.</typeparam>
    /// <returns>The events. Each enumeration invokes the function.</returns>
    /// <exception cref="ArgumentException">
    /// An argument other than <paramref name="payload"/> is null, the function name is blank, or an option is not
    /// valid. The message names it.
    /// </exception>
    public static IAsyncEnumerable<SseItem<TOut?>> InvokeServerSentEventsAsync<TIn, TOut>(
        this ILambdaStreamingClient client,
        string functionName,
        TIn payload,
        JsonTypeInfo<TIn> payloadTypeInfo,
        JsonTypeInfo<TOut> dataTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default) =>
        client.InvokeServerSentEventsAsync(
            InvokeWithResponseStreamRequest.Create(functionName, payload, payloadTypeInfo),
            dataTypeInfo,
            options,
            cancellationToken);
}
